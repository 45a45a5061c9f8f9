/* SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/evp.h>

#include "../../freebsd/if_ovpn.h"
#include "user.h"

int inet_pton(int af, const char *text, void *bytes); /* of libc, whose AF_INET6 is 10 */

int
user_addr(const char *text, uint8_t *bytes)
{
    if (inet_pton(2, text, bytes) == 1)
        return 4;
    kern_assert(inet_pton(10, text, bytes) == 1);
    return 6;
}

/* Faults are for the kernel: the lists of the user and copies of replies are made without. */
bool user_faults_off;
static __thread unsigned suspended;

static void
faults_suspend(void)
{
    if (user_faults_off)
        suspended = world_fault_suspend();
}

static void
faults_resume(void)
{
    if (user_faults_off)
        world_fault_resume(suspended);
}

/* Requests */

int
user_request(struct ifnet *ifp, unsigned long cmd, nvlist_t *nvl)
{
    struct ifdrv drv = {.ifd_cmd = cmd};
    int error;

    strlcpy(drv.ifd_name, ifp->if_xname, sizeof(drv.ifd_name));
    if (nvl != NULL)
        drv.ifd_data = nvlist_pack(nvl, &drv.ifd_len);
    kern_assert(nvl == NULL || drv.ifd_data != NULL);
    faults_resume();
    error = world_ioctl(ifp, SIOCSDRVSPEC, &drv);
    kern_free(drv.ifd_data, false);
    nvlist_destroy(nvl);
    return error;
}

static nvlist_t *
new_request(void)
{
    faults_suspend();
    return nvlist_create(0);
}

static nvlist_t *
sockaddr_list(const char *text, uint16_t port, uint32_t scope_id)
{
    nvlist_t *nvl = nvlist_create(0);
    uint8_t addr[16];
    int family = user_addr(text, addr);

    nvlist_add_number(nvl, "af", family == 4 ? AF_INET : AF_INET6);
    nvlist_add_binary(nvl, "address", addr, family == 4 ? 4 : 16);
    nvlist_add_number(nvl, "port", htons(port));
    if (family == 6)
        nvlist_add_number(nvl, "scopeid", scope_id);
    return nvl;
}

nvlist_t *
user_new_peer_list(const struct user_peer *p)
{
    nvlist_t *nvl = new_request();
    uint8_t addr[16];

    if (p->local != NULL)
        nvlist_move_nvlist(nvl, "local", sockaddr_list(p->local, p->local_port, p->scope_id));
    nvlist_move_nvlist(nvl, "remote", sockaddr_list(p->remote, p->remote_port, p->scope_id));
    if (p->vpn4 != NULL) {
        user_addr(p->vpn4, addr);
        nvlist_add_binary(nvl, "vpn_ipv4", addr, 4);
    }
    if (p->vpn6 != NULL) {
        user_addr(p->vpn6, addr);
        nvlist_add_binary(nvl, "vpn_ipv6", addr, 16);
    }
    nvlist_add_number(nvl, "fd", (uint64_t)p->fd);
    nvlist_add_number(nvl, "peerid", p->id);
    return nvl;
}

int
user_new_peer(struct ifnet *ifp, const struct user_peer *p)
{
    return user_request(ifp, OVPN_NEW_PEER, user_new_peer_list(p));
}

static nvlist_t *
peer_list(uint32_t id)
{
    nvlist_t *nvl = new_request();

    nvlist_add_number(nvl, "peerid", id);
    return nvl;
}

int
user_del_peer(struct ifnet *ifp, uint32_t id)
{
    return user_request(ifp, OVPN_DEL_PEER, peer_list(id));
}

int
user_set_peer(struct ifnet *ifp, uint32_t id, uint64_t interval, uint64_t timeout)
{
    nvlist_t *nvl = peer_list(id);

    nvlist_add_number(nvl, "interval", interval);
    nvlist_add_number(nvl, "timeout", timeout);
    return user_request(ifp, OVPN_SET_PEER, nvl);
}

int
user_swap_keys(struct ifnet *ifp, uint32_t id)
{
    return user_request(ifp, OVPN_SWAP_KEYS, peer_list(id));
}

int
user_del_key(struct ifnet *ifp, uint32_t id, uint64_t slot)
{
    nvlist_t *nvl = peer_list(id);

    nvlist_add_number(nvl, "slot", slot);
    return user_request(ifp, OVPN_DEL_KEY, nvl);
}

int
user_start(struct ifnet *ifp)
{
    return user_request(ifp, OVPN_START_VPN, NULL);
}

int
user_set_ifmode(struct ifnet *ifp, uint64_t mode)
{
    nvlist_t *nvl = new_request();

    nvlist_add_number(nvl, "ifmode", mode);
    return user_request(ifp, OVPN_SET_IFMODE, nvl);
}

/* Keys */

void
user_key_make(struct user_key *key, uint8_t id, const char *cipher, unsigned seed)
{
    memset(key, 0, sizeof(*key));
    key->id = id;
    key->cipher = cipher;
    key->len = strstr(cipher, "128") ? 16 : strstr(cipher, "192") ? 24 : 32;
    for (unsigned i = 0; i < 32; i++) {
        key->out[i] = (uint8_t)(seed * 31 + i);
        key->in[i] = (uint8_t)(seed * 17 + 200 - i);
    }
    for (unsigned i = 0; i < 8; i++) {
        key->out_iv[i] = (uint8_t)(seed + 3 * i);
        key->in_iv[i] = (uint8_t)(seed + 5 * i + 1);
    }
    memcpy(key->out + 8, &seed, sizeof(seed));
    memcpy(key->in + 8, &seed, sizeof(seed));
}

struct user_key
user_key_mirror(const struct user_key *key)
{
    struct user_key far = *key;

    memcpy(far.out, key->in, sizeof(far.out));
    memcpy(far.in, key->out, sizeof(far.in));
    memcpy(far.out_iv, key->in_iv, sizeof(far.out_iv));
    memcpy(far.in_iv, key->out_iv, sizeof(far.in_iv));
    return far;
}

static nvlist_t *
key_dir_list(const struct user_key *key, const uint8_t *k, const uint8_t *iv)
{
    nvlist_t *nvl = nvlist_create(0);

    nvlist_add_string(nvl, "cipher", key->cipher);
    if (strcmp(key->cipher, "none") != 0) {
        nvlist_add_binary(nvl, "key", k, (size_t)key->len);
        nvlist_add_binary(nvl, "iv", iv, 8);
    }
    return nvl;
}

nvlist_t *
user_key_list(uint32_t peer, uint64_t slot, const struct user_key *key)
{
    nvlist_t *nvl = peer_list(peer);

    nvlist_add_number(nvl, "slot", slot);
    nvlist_add_number(nvl, "keyid", key->id);
    nvlist_move_nvlist(nvl, "encrypt", key_dir_list(key, key->out, key->out_iv));
    nvlist_move_nvlist(nvl, "decrypt", key_dir_list(key, key->in, key->in_iv));
    return nvl;
}

int
user_new_key(struct ifnet *ifp, uint32_t peer, uint64_t slot, const struct user_key *key)
{
    return user_request(ifp, OVPN_NEW_KEY, user_key_list(peer, slot, key));
}

/* Queries */

int
user_get(struct ifnet *ifp, unsigned long cmd, size_t room, nvlist_t **reply)
{
    struct ifdrv drv = {.ifd_cmd = cmd, .ifd_len = room};
    int error;

    *reply = NULL;
    drv.ifd_data = kern_malloc(room, 16, M_WAITOK);
    error = world_ioctl(ifp, SIOCGDRVSPEC, &drv);
    if (error == 0) {
        faults_suspend();
        *reply = nvlist_unpack(drv.ifd_data, drv.ifd_len, 0);
        kern_assert(*reply != NULL);
        faults_resume();
    }
    kern_free(drv.ifd_data, false);
    return error;
}

uint64_t
user_pending(struct ifnet *ifp)
{
    nvlist_t *nvl;
    uint64_t n;

    kern_assert(user_get(ifp, OVPN_POLL_PKT, 128, &nvl) == 0);
    n = nvlist_get_number(nvl, "pending");
    nvlist_destroy(nvl);
    return n;
}

static void
get_pair(const nvlist_t *nvl, const char *name, uint64_t *in, uint64_t *out)
{
    const nvlist_t *pair;

    if (!nvlist_exists_nvlist(nvl, name))
        return;
    pair = nvlist_get_nvlist(nvl, name);
    *in = nvlist_get_number(pair, "in");
    *out = nvlist_get_number(pair, "out");
}

static void
get_address(const nvlist_t *nvl, struct user_event *e)
{
    const nvlist_t *sub;
    const void *bytes;
    size_t len;

    if (!nvlist_exists_nvlist(nvl, "address"))
        return;
    sub = nvlist_get_nvlist(nvl, "address");
    e->af = nvlist_get_number(sub, "af");
    e->port = ntohs((uint16_t)nvlist_get_number(sub, "port"));
    bytes = nvlist_get_binary(sub, "address", &len);
    kern_assert(len == (e->af == AF_INET ? 4 : 16));
    memcpy(e->address, bytes, len);
}

int
user_event(struct ifnet *ifp, struct user_event *e)
{
    nvlist_t *nvl;
    int error = user_get(ifp, OVPN_GET_PKT, 4096, &nvl);

    memset(e, 0, sizeof(*e));
    e->reason = UINT64_MAX;
    if (error != 0)
        return error;
    e->peer = nvlist_get_number(nvl, "peerid");
    e->kind = nvlist_get_number(nvl, "notification");
    if (nvlist_exists_number(nvl, "del_reason"))
        e->reason = nvlist_get_number(nvl, "del_reason");
    get_pair(nvl, "packets", &e->packets_in, &e->packets_out);
    get_pair(nvl, "bytes", &e->bytes_in, &e->bytes_out);
    get_address(nvl, e);
    nvlist_destroy(nvl);
    return 0;
}

uint64_t
user_stat(struct ifnet *ifp, const char *name, const char *direction)
{
    nvlist_t *nvl;
    uint64_t value;

    kern_assert(user_get(ifp, OVPN_GET_STATS, 4096, &nvl) == 0);
    value = nvlist_get_number(nvlist_get_nvlist(nvl, name), direction);
    nvlist_destroy(nvl);
    return value;
}

extern int (*kern_sysctl_drops)(struct sysctl_oid *, void *, intptr_t, struct sysctl_req *);

uint64_t
user_drops(struct ifnet *ifp, const char *reason)
{
    static __thread char text[16384];
    struct sysctl_req req = {text, sizeof(text)};
    char line[64];
    const char *at;

    CURVNET_SET(ifp->if_vnet);
    kern_assert(kern_sysctl_drops(NULL, NULL, 0, &req) == 0);
    CURVNET_RESTORE();
    snprintf(line, sizeof(line), "\n%s %s ", ifp->if_xname, reason);
    at = strstr(text, line);
    return at != NULL ? strtoull(at + strlen(line), NULL, 10) : 0;
}

/* The far end: 4 bytes opcode (9), key id and peer id; 4 bytes packet id; tag; ciphertext. */

static const EVP_CIPHER *
evp_cipher(const struct user_key *key)
{
    if (strstr(key->cipher, "CHACHA20") != NULL)
        return EVP_chacha20_poly1305();
    return key->len == 16   ? EVP_aes_128_gcm()
           : key->len == 24 ? EVP_aes_192_gcm()
                            : EVP_aes_256_gcm();
}

static void
put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static uint32_t
get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool
aead(const struct user_key *key, bool seal, const uint8_t *k, const uint8_t *iv8,
     const uint8_t *head, const uint8_t *in, int len, uint8_t *out, uint8_t *tag)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t nonce[12];
    bool ok;
    int n;

    memcpy(nonce, head + 4, 4);
    memcpy(nonce + 4, iv8, 8);
    EVP_CipherInit_ex(ctx, evp_cipher(key), NULL, k, nonce, seal);
    EVP_CipherUpdate(ctx, NULL, &n, head, 8);
    if (len > 0)
        EVP_CipherUpdate(ctx, out, &n, in, len);
    if (!seal)
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag);
    ok = EVP_CipherFinal_ex(ctx, out + len, &n) == 1;
    if (seal)
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag);
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

void
far_seal(struct world_datagram *d, const struct user_key *key, uint32_t peer, uint32_t id,
         const void *inner, int len)
{
    put32(d->data, 0x48000000U | (uint32_t)key->id << 24 | peer);
    put32(d->data + 4, id);
    if (strcmp(key->cipher, "none") == 0) {
        memcpy(d->data + 8, inner, (size_t)len);
        d->len = 8 + len;
        return;
    }
    aead(key, true, key->out, key->out_iv, d->data, inner, len, d->data + 24, d->data + 8);
    d->len = 24 + len;
}

int
far_open(const struct world_datagram *d, const struct user_key *key, uint32_t *id, uint8_t *inner)
{
    uint8_t tag[16];

    *id = get32(d->data + 4);
    if (d->data[0] != (0x48 | key->id))
        return -1;
    if (strcmp(key->cipher, "none") == 0) {
        memcpy(inner, d->data + 8, (size_t)d->len - 8);
        return d->len - 8;
    }
    memcpy(tag, d->data + 8, sizeof(tag));
    if (d->len < 24 ||
        !aead(key, false, key->in, key->in_iv, d->data, d->data + 24, d->len - 24, inner, tag))
        return -1;
    return d->len - 24;
}

void
far_address(struct world_datagram *d, const char *src, uint16_t sport, const char *dst,
            uint16_t dport)
{
    d->family = user_addr(src, d->src);
    kern_assert(user_addr(dst, d->dst) == d->family);
    d->sport = sport;
    d->dport = dport;
    d->scope_id = 0;
}

/* Inner packets */

static int
header(uint8_t *pkt, const char *src, const char *dst, int len, uint8_t proto)
{
    uint8_t s[16], d[16];
    int family = user_addr(src, s);

    kern_assert(user_addr(dst, d) == family);
    memset(pkt, 0, 40);
    if (family == 4) {
        pkt[0] = 0x45;
        pkt[2] = (uint8_t)(len >> 8);
        pkt[3] = (uint8_t)len;
        pkt[8] = 64;
        pkt[9] = proto;
        memcpy(pkt + 12, s, 4);
        memcpy(pkt + 16, d, 4);
        return 20;
    }
    pkt[0] = 0x60;
    pkt[4] = (uint8_t)((len - 40) >> 8);
    pkt[5] = (uint8_t)(len - 40);
    pkt[6] = proto;
    pkt[7] = 64;
    memcpy(pkt + 8, s, 16);
    memcpy(pkt + 24, d, 16);
    return 40;
}

int
inner_packet(uint8_t *pkt, const char *src, const char *dst, int len)
{
    int at = header(pkt, src, dst, len, IPPROTO_UDP);

    for (int i = at; i < len; i++)
        pkt[i] = (uint8_t)(i * 7 + len);
    return len;
}

static uint16_t
tcp_sum(const uint8_t *pkt, int len)
{
    int v4 = pkt[0] >> 4 == 4, at = v4 ? 20 : 40;
    uint32_t sum = (uint32_t)(len - at) + 6;

    for (int i = v4 ? 12 : 8; i < len; i += 2)
        sum += (uint32_t)pkt[i] << 8 | (i + 1 < len ? pkt[i + 1] : 0);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

int
inner_syn(uint8_t *pkt, const char *src, const char *dst, uint16_t mss)
{
    uint8_t probe[16];
    int len = (user_addr(src, probe) == 4 ? 20 : 40) + 24;
    int at = header(pkt, src, dst, len, IPPROTO_TCP);
    uint16_t sum;

    memset(pkt + at, 0, 24);
    pkt[at + 12] = 6 << 4;
    pkt[at + 13] = TH_SYN;
    pkt[at + 20] = 2;
    pkt[at + 21] = 4;
    pkt[at + 22] = (uint8_t)(mss >> 8);
    pkt[at + 23] = (uint8_t)mss;
    sum = tcp_sum(pkt, len);
    pkt[at + 16] = (uint8_t)(sum >> 8);
    pkt[at + 17] = (uint8_t)sum;
    return len;
}

uint16_t
inner_mss(const uint8_t *pkt)
{
    int at = pkt[0] >> 4 == 4 ? 20 : 40;

    return (uint16_t)(pkt[at + 22] << 8 | pkt[at + 23]);
}

bool
inner_tcp_checksum_ok(const uint8_t *pkt, int len)
{
    return tcp_sum(pkt, len) == 0;
}
