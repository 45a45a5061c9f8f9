/* SPDX-License-Identifier: BSD-2-Clause */
/* The ioctls: every command, key, type and errno. */
#include "tunnel.h"

static int
drvspec(struct ifnet *ifp, unsigned long ioctl, unsigned long cmd, void *data, size_t len)
{
    struct ifdrv drv = {.ifd_cmd = cmd, .ifd_len = len, .ifd_data = data};

    return world_ioctl(ifp, ioctl, &drv);
}

/* A NEW_PEER list in which one key has the wrong type (NULL: none). */
static const struct user_peer *subject;

static nvlist_t *
new_peer_but(const char *skip)
{
    nvlist_t *nvl = nvlist_create(0), *remote = nvlist_create(0);
    uint8_t addr[4] = {192, 0, 2, 2};

#define UNLESS(name, add)                                                                          \
    do {                                                                                           \
        if (skip == NULL || strcmp(skip, name) != 0)                                               \
            add;                                                                                   \
        else                                                                                       \
            nvlist_add_string(strchr(name, '.') ? remote : nvl,                                    \
                              strchr(name, '.') ? strchr(name, '.') + 1 : name, "wrong");          \
    } while (0)
    UNLESS("remote.af", nvlist_add_number(remote, "af", AF_INET));
    UNLESS("remote.address", nvlist_add_binary(remote, "address", addr, 4));
    UNLESS("remote.port", nvlist_add_number(remote, "port", htons(5000)));
    UNLESS("peerid", nvlist_add_number(nvl, "peerid", 1));
    UNLESS("fd", nvlist_add_number(nvl, "fd", (uint64_t)subject->fd));
    if (skip != NULL && strcmp(skip, "remote") == 0) {
        nvlist_destroy(remote);
        nvlist_add_number(nvl, "remote", 1);
    } else {
        nvlist_move_nvlist(nvl, "remote", remote);
    }
    return nvl;
}

TEST("new peer needs every key with its type")
{
    static const char *const keys[] = {"remote.af", "remote.address", "remote.port",
                                       "remote",    "peerid",         "fd"};
    struct tunnel t;

    tunnel_open(&t);
    subject = &t.peer;
    for (unsigned i = 0; i < nitems(keys); i++)
        CHECK_EQ(user_request(t.ifp, OVPN_NEW_PEER, new_peer_but(keys[i])), EINVAL);
    CHECK_EQ(user_request(t.ifp, OVPN_NEW_PEER, NULL), EINVAL);
    CHECK_EQ(user_request(t.ifp, OVPN_NEW_PEER, new_peer_but(NULL)), 0);
    tunnel_down(&t);
}

TEST("a new peer is refused with the right errno")
{
    struct user_peer p;
    struct tunnel t, u;
    int other, tcp, local, foreign;

    tunnel_open(&t);
    p = t.peer;
    p.fd = 55;
    CHECK_EQ(user_new_peer(t.ifp, &p), ENOTSOCK);
    p.fd = 199;
    CHECK_EQ(user_new_peer(t.ifp, &p), EBADF);
    p.fd = -1;
    CHECK_EQ(user_new_peer(t.ifp, &p), EBADF);
    p = t.peer;
    p.id = 0xffffff;
    CHECK_EQ(user_new_peer(t.ifp, &p), EINVAL);
    p.id = 0x1000000;
    CHECK_EQ(user_new_peer(t.ifp, &p), EINVAL);
    p = t.peer;
    p.remote = "2001:db8::1";
    CHECK_EQ(user_new_peer(t.ifp, &p), EINVAL);
    p = t.peer;
    p.local = "2001:db8::1";
    CHECK_EQ(user_new_peer(t.ifp, &p), EINVAL);
    p.local = SERVER;
    p.local_port = 99;
    CHECK_EQ(user_new_peer(t.ifp, &p), EINVAL);
    p = t.peer;
    p.fd = world_socket(AF_INET, SOCK_DGRAM, NULL, 0);
    CHECK_EQ(user_new_peer(t.ifp, &p), EINVAL); /* not bound */
    world_close(p.fd);

    tcp = p.fd = world_socket(AF_INET, SOCK_STREAM, NULL, 1194);
    CHECK_EQ(user_new_peer(t.ifp, &p), EPROTOTYPE);
    local = p.fd = world_socket(AF_LOCAL, SOCK_DGRAM, NULL, 0);
    p.local = SERVER;
    p.local_port = 1194;
    CHECK_EQ(user_new_peer(t.ifp, &p), EPROTOTYPE);
    p = t.peer;

    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), EEXIST);
    p.id = 8;
    other = p.fd = world_socket(AF_INET, SOCK_DGRAM, NULL, 1195);
    CHECK_EQ(user_new_peer(t.ifp, &p), EBUSY); /* another socket while there are peers */
    CHECK_EQ(user_del_peer(t.ifp, 7), 0);
    CHECK_EQ(user_new_peer(t.ifp, &p), 0); /* and now it is the one */
    CHECK(!world_hooked(t.fd));
    CHECK(world_hooked(other));

    tunnel_open_port(&u, 1196); /* the socket of another tunnel */
    foreign = u.peer.fd;
    u.peer.fd = other;
    CHECK_EQ(user_new_peer(u.ifp, &u.peer), EBUSY);
    u.fd = foreign;
    tunnel_down(&u);
    world_close(tcp);
    world_close(local);
    world_close(other);
    tunnel_down(&t);
}

TEST("a peer is found by its VPN addresses")
{
    struct tunnel t;
    nvlist_t *nvl;

    tunnel_open(&t);
    t.peer.vpn4 = t.peer.vpn6 = NULL;
    nvl = user_new_peer_list(&t.peer);
    nvlist_add_binary(nvl, "vpn_ipv4", "12345", 5);
    CHECK_EQ(user_request(t.ifp, OVPN_NEW_PEER, nvl), EINVAL);
    nvl = user_new_peer_list(&t.peer);
    nvlist_add_binary(nvl, "vpn_ipv6", "1234", 4);
    CHECK_EQ(user_request(t.ifp, OVPN_NEW_PEER, nvl), EINVAL);
    tunnel_down(&t);
}

/* A failing NEW_PEER ends openvpn, so two clients with one address must not fail. */
TEST("a shared vpn address goes to the newest")
{
    struct user_key second;
    struct user_peer p;
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    p = t.peer;
    p.id = 8;
    p.remote_port = 5001;
    CHECK_EQ(user_new_peer(t.ifp, &p), 0);
    user_key_make(&second, 0, "AES-256-GCM", 9);
    CHECK_EQ(user_new_key(t.ifp, 8, 0, &second), 0);
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    t.peer.remote_port = 5001;
    t.far = user_key_mirror(&second);
    tunnel_expect_out(&t, pkt, sizeof(pkt));
    CHECK_EQ(user_del_peer(t.ifp, 8), 0);
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    t.peer.remote_port = 5000;
    t.far = user_key_mirror(&t.key);
    tunnel_expect_out(&t, pkt, sizeof(pkt));
    tunnel_down(&t);
}

/* Beside others a peer without addresses exists, but no packet is for it. */
TEST("a peer without an address gets no packets of others")
{
    struct user_peer p;
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    p = t.peer;
    p.vpn4 = p.vpn6 = NULL;
    for (p.id = 8; p.id < 12; p.id++)
        CHECK_EQ(user_new_peer(t.ifp, &p), 0);
    CHECK_EQ(user_pending(t.ifp), 0); /* nobody was replaced */
    tunnel_down(&t);
}

TEST("a new key is refused with the right errno")
{
    struct user_key k;
    struct tunnel t;
    nvlist_t *nvl;

    tunnel_open(&t);
    user_key_make(&k, 0, "AES-256-GCM", 3);
    CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), ENOENT);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    CHECK_EQ(user_new_key(t.ifp, 8, 0, &k), ENOENT);
    CHECK_EQ(user_new_key(t.ifp, 7, 2, &k), EINVAL);
    k.id = 8;
    CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), EINVAL);
    k.id = 0;
    k.cipher = "BF-CBC";
    CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), EINVAL);
    /* Pitfall: the length of the key was not tied to the name. */
    k.cipher = "AES-256-GCM";
    k.len = 16;
    CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), EINVAL);
    k.cipher = "CHACHA20-POLY1305";
    CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), EINVAL);
    k.len = 32;
    k.cipher = "AES-128-GCM";
    CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), EINVAL);
    k.cipher = "AES-256-GCM";
    world_newsession_error = EOPNOTSUPP;
    CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), EOPNOTSUPP);
    world_newsession_error = 0;
    CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), 0);
    CHECK_EQ(user_new_key(t.ifp, 7, 1, &k), EEXIST); /* no key is installed twice */
    nvl = user_key_list(7, 0, &k);
    CHECK_EQ(user_request(t.ifp, OVPN_SET_PEER, nvl), EINVAL);
    CHECK_EQ(user_request(t.ifp, OVPN_NEW_KEY, NULL), EINVAL);
    tunnel_down(&t);
    CHECK_EQ(world_sessions(), 0);
}

/* Pitfall: keys were freed as they were. Whatever becomes of a key list, in no memory that the
 * kernel gives back does the key remain. */
static void
use_key(struct tunnel *t, const struct user_key *k)
{
    uint8_t pkt[60];

    t->far = user_key_mirror(k);
    CHECK_EQ(user_start(t->ifp), 0);
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t->ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    tunnel_expect_out(t, pkt, sizeof(pkt));
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send(t, pkt, sizeof(pkt)));
    tunnel_expect_in(t, pkt, sizeof(pkt));
}

/* The fixed part of the nonces, which is made with the keys, too. */
TEST("keys are wiped")
{
    struct user_key k;
    struct tunnel t;
    nvlist_t *nvl;

    tunnel_open(&t);
    user_key_make(&k, 0, "AES-256-GCM", 42);
    for (int secret = 0; secret < 4; secret++) {
        if (secret < 2)
            world_secret(secret & 1 ? k.in : k.out, 32);
        else
            world_secret(secret & 1 ? k.in_iv : k.out_iv, 8);
        CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), ENOENT);
        CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
        k.id = 9;
        CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), EINVAL);
        k.id = 0;
        nvl = user_key_list(7, 0, &k);
        nvlist_add_number(nvl, "unknown", 1);
        world_newsession_error = EINVAL;
        CHECK_EQ(user_request(t.ifp, OVPN_NEW_KEY, nvl), EINVAL);
        world_newsession_error = 0;
        CHECK_EQ(user_request(t.ifp, OVPN_SET_PEER, user_key_list(7, 0, &k)), EINVAL);
        CHECK_EQ(user_request(t.ifp, _IO('D', 9), user_key_list(7, 0, &k)), ENOTSUP);
        CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), 0);
        CHECK_EQ(user_new_key(t.ifp, 7, 1, &k), EEXIST);
        use_key(&t, &k);
        CHECK_EQ(user_del_key(t.ifp, 7, 0), 0);
        world_settle();
        CHECK_EQ(user_del_peer(t.ifp, 7), 0);
        world_settle();
        user_key_make(&k, 0, "AES-256-GCM", 43 + (unsigned)secret);
    }
    tunnel_down(&t);
    world_secret(NULL, 0);
}

static nvlist_t *
key_dir(const char *cipher, size_t key_len, size_t iv_len)
{
    static const uint8_t zero[64];
    nvlist_t *nvl = nvlist_create(0);

    if (cipher != NULL)
        nvlist_add_string(nvl, "cipher", cipher);
    if (key_len != 0)
        nvlist_add_binary(nvl, "key", zero, key_len);
    if (iv_len != 0)
        nvlist_add_binary(nvl, "iv", zero, iv_len);
    return nvl;
}

static int
new_key_with(struct ifnet *ifp, nvlist_t *encrypt, nvlist_t *decrypt)
{
    nvlist_t *nvl = nvlist_create(0);

    nvlist_add_number(nvl, "peerid", 7);
    nvlist_add_number(nvl, "slot", 0);
    nvlist_add_number(nvl, "keyid", 0);
    if (encrypt != NULL)
        nvlist_move_nvlist(nvl, "encrypt", encrypt);
    if (decrypt != NULL)
        nvlist_move_nvlist(nvl, "decrypt", decrypt);
    return user_request(ifp, OVPN_NEW_KEY, nvl);
}

TEST("a new key wants two directions that agree")
{
    struct tunnel t;

    tunnel_open(&t);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
#define GOOD key_dir("AES-256-GCM", 32, 8)
    CHECK_EQ(new_key_with(t.ifp, NULL, GOOD), EINVAL);
    CHECK_EQ(new_key_with(t.ifp, GOOD, NULL), EINVAL);
    CHECK_EQ(new_key_with(t.ifp, GOOD, key_dir(NULL, 32, 8)), EINVAL);
    CHECK_EQ(new_key_with(t.ifp, GOOD, key_dir("AES-256-GCM", 33, 8)), E2BIG);
    CHECK_EQ(new_key_with(t.ifp, GOOD, key_dir("AES-256-GCM", 32, 7)), E2BIG);
    CHECK_EQ(new_key_with(t.ifp, GOOD, key_dir("AES-256-GCM", 32, 9)), E2BIG);
    CHECK_EQ(new_key_with(t.ifp, GOOD, key_dir("AES-256-GCM", 0, 8)), EINVAL);
    CHECK_EQ(new_key_with(t.ifp, GOOD, key_dir("AES-256-GCM", 32, 0)), EINVAL);
    CHECK_EQ(new_key_with(t.ifp, GOOD, key_dir("AES-128-GCM", 16, 8)), EINVAL);
    CHECK_EQ(new_key_with(t.ifp, GOOD, GOOD), 0);
    CHECK_EQ(new_key_with(t.ifp, key_dir("none", 0, 0), key_dir("none", 0, 0)), 0);
    CHECK_EQ(new_key_with(t.ifp, key_dir("none", 0, 0), key_dir("none", 0, 0)), 0);
    tunnel_down(&t);
}

TEST("swap, delete and set want a peer and keys that exist")
{
    struct user_key k;
    struct tunnel t;

    tunnel_open(&t);
    CHECK_EQ(user_swap_keys(t.ifp, 7), ENOENT);
    CHECK_EQ(user_del_key(t.ifp, 7, 0), ENOENT);
    CHECK_EQ(user_set_peer(t.ifp, 7, 1, 2), ENOENT);
    CHECK_EQ(user_del_peer(t.ifp, 7), ENOENT);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    CHECK_EQ(user_swap_keys(t.ifp, 7), ENOLINK);
    user_key_make(&k, 0, "AES-256-GCM", 3);
    CHECK_EQ(user_new_key(t.ifp, 7, 0, &k), 0);
    CHECK_EQ(user_swap_keys(t.ifp, 7), ENOLINK);
    user_key_make(&k, 1, "AES-256-GCM", 4);
    CHECK_EQ(user_new_key(t.ifp, 7, 1, &k), 0);
    CHECK_EQ(user_swap_keys(t.ifp, 7), 0);
    CHECK_EQ(user_del_key(t.ifp, 7, 2), EINVAL);
    CHECK_EQ(user_del_key(t.ifp, 7, 1), 0);
    CHECK_EQ(user_del_key(t.ifp, 7, 1), 0);
    CHECK_EQ(user_swap_keys(t.ifp, 7), ENOLINK);
    CHECK_EQ(user_set_peer(t.ifp, 7, UINT64_MAX, 1), EINVAL);
    CHECK_EQ(user_set_peer(t.ifp, 7, 10, 60), 0);
    CHECK_EQ(user_del_peer(t.ifp, 7), 0);
    CHECK_EQ(user_del_peer(t.ifp, 7), ENOENT); /* removed twice */
    CHECK_EQ(user_del_peer(t.ifp, 0x7fffffff), ENOENT);
    CHECK_EQ(user_request(t.ifp, OVPN_SWAP_KEYS, NULL), EINVAL);
    CHECK_EQ(user_request(t.ifp, OVPN_DEL_KEY, NULL), EINVAL);
    CHECK_EQ(user_request(t.ifp, OVPN_DEL_PEER, NULL), EINVAL);
    CHECK_EQ(user_request(t.ifp, OVPN_SET_PEER, NULL), EINVAL);
    tunnel_down(&t);
}

TEST("every request has its reply")
{
    uint8_t buf[5000] = {0};
    struct tunnel t;
    nvlist_t *nvl;

    tunnel_open(&t);
    CHECK_EQ(drvspec(t.ifp, SIOCSDRVSPEC, OVPN_NEW_PEER, buf, 4097), E2BIG);
    CHECK_EQ(drvspec(t.ifp, SIOCSDRVSPEC, OVPN_NEW_PEER, buf, 4096), EINVAL);
    CHECK_EQ(drvspec(t.ifp, SIOCSDRVSPEC, OVPN_NEW_PEER, NULL, 100), EFAULT);
    world_bad_memory = buf;
    CHECK_EQ(drvspec(t.ifp, SIOCGDRVSPEC, OVPN_GET_STATS, buf, 4096), EFAULT);
    world_bad_memory = NULL;
    CHECK_EQ(drvspec(t.ifp, SIOCSDRVSPEC, _IO('D', 9), NULL, 0), ENOTSUP);
    CHECK_EQ(drvspec(t.ifp, SIOCSDRVSPEC, 0, NULL, 0), ENOTSUP);
    CHECK_EQ(drvspec(t.ifp, SIOCSDRVSPEC, OVPN_GET_STATS, NULL, 0), ENOTSUP);
    CHECK_EQ(drvspec(t.ifp, SIOCGDRVSPEC, OVPN_NEW_PEER, buf, 4096), ENOTSUP);
    for (size_t room = 0; room < 100; room++)
        CHECK_EQ(user_get(t.ifp, OVPN_GET_STATS, room, &nvl), ENOSPC);
    world_unprivileged = true;
    CHECK_EQ(drvspec(t.ifp, SIOCGDRVSPEC, OVPN_GET_STATS, buf, 4096), EPERM);
    CHECK_EQ(user_start(t.ifp), EPERM);
    world_unprivileged = false;
    world_ilp32 = true; /* the kernel would panic where ifd_len changes */
    CHECK_EQ(drvspec(t.ifp, SIOCGDRVSPEC, OVPN_GET_STATS, buf, 4096), EOPNOTSUPP);
    CHECK_EQ(user_start(t.ifp), 0);
    world_ilp32 = false;
    CHECK_EQ(world_ioctl(t.ifp, SIOCGIFMEDIA, buf), EINVAL);
    tunnel_down(&t);
}

TEST("mtu and mode")
{
    struct ifreq ifr = {.ifr_mtu = 575};
    struct tunnel t;

    tunnel_open(&t);
    CHECK_EQ(t.ifp->if_mtu, 1428);
    CHECK_EQ(world_ioctl(t.ifp, SIOCSIFMTU, &ifr), EINVAL);
    ifr.ifr_mtu = 65484;
    CHECK_EQ(world_ioctl(t.ifp, SIOCSIFMTU, &ifr), EINVAL);
    ifr.ifr_mtu = -1;
    CHECK_EQ(world_ioctl(t.ifp, SIOCSIFMTU, &ifr), EINVAL);
    ifr.ifr_mtu = 65483;
    CHECK_EQ(world_ioctl(t.ifp, SIOCSIFMTU, &ifr), 0);
    CHECK_EQ(t.ifp->if_mtu, 65483);

    CHECK_EQ(t.ifp->if_flags, IFF_POINTOPOINT | IFF_MULTICAST);
    CHECK_EQ(user_set_ifmode(t.ifp, IFF_BROADCAST | IFF_MULTICAST), 0);
    CHECK_EQ(t.ifp->if_flags, IFF_BROADCAST | IFF_MULTICAST);
    CHECK_EQ(user_set_ifmode(t.ifp, IFF_POINTOPOINT), 0);
    CHECK_EQ(t.ifp->if_flags, IFF_POINTOPOINT);
    CHECK_EQ(user_set_ifmode(t.ifp, IFF_POINTOPOINT | IFF_BROADCAST), EINVAL);
    CHECK_EQ(user_set_ifmode(t.ifp, 0), EINVAL);
    CHECK_EQ(user_set_ifmode(t.ifp, (1ULL << 32) | IFF_BROADCAST), EINVAL);
    CHECK_EQ(user_request(t.ifp, OVPN_SET_IFMODE, NULL), EINVAL);
    CHECK_EQ(user_start(t.ifp), 0);
    CHECK(t.ifp->if_flags & IFF_UP);
    CHECK(t.ifp->if_drv_flags & IFF_DRV_RUNNING);
    CHECK_EQ(t.ifp->if_link_state, LINK_STATE_UP);
    CHECK_EQ(user_set_ifmode(t.ifp, IFF_BROADCAST), EBUSY);
    tunnel_down(&t);
}

/* Garbage: every prefix of a good request, and every byte of it changed to every value. */
TEST("malformed lists are refused")
{
    struct user_key k;
    struct tunnel t;
    nvlist_t *nvl;
    uint8_t *good, *bad;
    size_t len;

    tunnel_open(&t);
    user_key_make(&k, 0, "AES-256-GCM", 1);
    for (int which = 0; which < 2; which++) {
        unsigned long cmd = which ? OVPN_NEW_PEER : OVPN_NEW_KEY;

        nvl = which ? user_new_peer_list(&t.peer) : user_key_list(7, 0, &k);
        good = nvlist_pack(nvl, &len);
        nvlist_destroy(nvl);
        bad = malloc(len);
        for (size_t n = 1; n < len; n++) {
            memcpy(bad, good, n);
            CHECK_EQ(drvspec(t.ifp, SIOCSDRVSPEC, cmd, bad, n), EINVAL);
        }
        for (size_t at = 0; at < len; at++) {
            for (int v = 0; v < 256; v += 5) {
                memcpy(bad, good, len);
                bad[at] = (uint8_t)v;
                (void)drvspec(t.ifp, SIOCSDRVSPEC, cmd, bad, len);
                (void)user_del_peer(t.ifp, 7);
            }
        }
        free(bad);
        kern_free(good, false);
    }
    tunnel_down(&t);
}

/* Events */

TEST("removal is told with final numbers")
{
    struct user_event e;
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    for (int i = 0; i < 3; i++)
        CHECK(tunnel_send(&t, pkt, 100));
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
    CHECK_EQ(user_event(t.ifp, &e), ENOENT);
    CHECK_EQ(user_del_peer(t.ifp, 7), 0);
    CHECK_EQ(user_pending(t.ifp), 1);
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.kind, OVPN_NOTIF_DEL_PEER);
    CHECK_EQ(e.peer, 7);
    CHECK_EQ(e.reason, OVPN_DEL_REASON_REQUESTED);
    CHECK_EQ(e.packets_in, 3);
    CHECK_EQ(e.bytes_in, 300);
    CHECK_EQ(e.packets_out, 1);
    CHECK_EQ(e.bytes_out, 100);
    CHECK_EQ(user_pending(t.ifp), 0);
    tunnel_down(&t);
}

TEST("an event that does not fit is kept")
{
    struct user_event e;
    struct tunnel t;
    nvlist_t *nvl;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_del_peer(t.ifp, 7), 0);
    CHECK_EQ(user_get(t.ifp, OVPN_GET_PKT, 30, &nvl), ENOSPC);
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.peer, 7);
    tunnel_down(&t);
}

TEST("an event that cannot be written is kept")
{
    struct user_event e;
    uint8_t buf[4096];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_del_peer(t.ifp, 7), 0);
    world_bad_memory = buf;
    CHECK_EQ(drvspec(t.ifp, SIOCGDRVSPEC, OVPN_GET_PKT, buf, sizeof(buf)), EFAULT);
    world_bad_memory = NULL;
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.peer, 7);
    CHECK_EQ(user_event(t.ifp, &e), ENOENT);
    tunnel_down(&t);
}

/* While one process waits for a page of its memory, another fetches the same event. The next one
 * is not lost by that, and nobody waits for the first. */
static struct ifnet *copy_ifp;

static void
fetch_meanwhile(void)
{
    struct user_event e;

    world_copy_gap = NULL;
    CHECK_EQ(user_event(copy_ifp, &e), 0);
    CHECK_EQ(e.peer, 7);
    CHECK_EQ(user_pending(copy_ifp), 1); /* and the next is taken from the core */
}

TEST("two processes fetch each event once")
{
    struct user_event e;
    struct tunnel t;

    tunnel_open(&t);
    for (t.peer.id = 7; t.peer.id < 9; t.peer.id++)
        CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    CHECK_EQ(user_del_peer(t.ifp, 7), 0);
    CHECK_EQ(user_del_peer(t.ifp, 8), 0);
    copy_ifp = t.ifp;
    world_copy_gap = fetch_meanwhile;
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.peer, 7);
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.peer, 8);
    CHECK_EQ(user_event(t.ifp, &e), ENOENT);
    tunnel_down(&t);
}

/* The interface may end meanwhile. */
static void
destroy_meanwhile(void)
{
    world_copy_gap = NULL;
    CHECK_EQ(world_destroy(copy_ifp), 0);
}

TEST("an interface ends while a reply is written")
{
    struct user_event e;
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_del_peer(t.ifp, 7), 0);
    copy_ifp = t.ifp;
    if_ref(t.ifp); /* as the ioctl has */
    world_copy_gap = destroy_meanwhile;
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.peer, 7);
    CHECK_EQ(user_start(t.ifp), ENXIO);
    if_rele(t.ifp);
    world_close(t.fd);
}

TEST("openvpn is woken")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_set_peer(t.ifp, 7, 0, 10), 0);
    world_advance(9 * 1000000000ULL);
    CHECK_EQ(world_so(t.fd)->wakeups, 0);
    world_advance(2 * 1000000000ULL);
    CHECK_EQ(world_so(t.fd)->wakeups, 1);
    CHECK_EQ(world_so(t.fd)->so_error, EAGAIN);
    tunnel_down(&t);
}

/* Pitfalls: a ring of 32 events, and 10,000 peers that time out in one instant. */
TEST("ten thousand timeouts are all told")
{
    enum { PEERS = 10000 };
    static bool seen[PEERS];
    struct user_event e;
    struct user_peer p;
    struct tunnel t;
    char vpn[32];

    tunnel_open(&t);
    p = t.peer;
    p.vpn6 = NULL;
    for (unsigned i = 0; i < PEERS; i++) {
        snprintf(vpn, sizeof(vpn), "10.0.%u.%u", i / 256, i % 256);
        p.id = i;
        p.vpn4 = vpn;
        p.remote_port = (uint16_t)(1024 + i);
        CHECK_EQ(user_new_peer(t.ifp, &p), 0);
        CHECK_EQ(user_set_peer(t.ifp, i, 0, 60), 0);
    }
    world_advance(61 * 1000000000ULL);
    for (unsigned i = 0; i < PEERS; i++) {
        CHECK(user_pending(t.ifp) > 0);
        CHECK_EQ(user_event(t.ifp, &e), 0);
        CHECK_EQ(e.reason, OVPN_DEL_REASON_TIMEOUT);
        CHECK(e.peer < PEERS && !seen[e.peer]);
        seen[e.peer] = true;
    }
    CHECK_EQ(user_pending(t.ifp), 0);
    tunnel_down(&t);
}

TEST("statistics of many peers are whole")
{
    const nvlist_t *const *list;
    struct user_peer p;
    struct tunnel t;
    size_t n, room = 4096;
    nvlist_t *nvl;

    tunnel_open(&t);
    CHECK_EQ(user_get(t.ifp, OVPN_GET_PEER_STATS, room, &nvl), 0);
    CHECK(!nvlist_exists_nvlist_array(nvl, "peers"));
    nvlist_destroy(nvl);
    p = t.peer;
    for (p.id = 0; p.id < 300; p.id++)
        CHECK_EQ(user_new_peer(t.ifp, &p), 0);
    while (user_get(t.ifp, OVPN_GET_PEER_STATS, room, &nvl) == ENOSPC)
        room *= 2;
    CHECK(nvl != NULL && room > 4096);
    list = nvlist_get_nvlist_array(nvl, "peers", &n);
    CHECK_EQ(n, 300);
    for (unsigned i = 0; i < n; i++) {
        CHECK_EQ(nvlist_get_number(list[i], "peerid"), i);
        CHECK_EQ(nvlist_get_number(nvlist_get_nvlist(list[i], "bytes"), "in"), 0);
        CHECK_EQ(nvlist_get_number(nvlist_get_nvlist(list[i], "packets"), "out"), 0);
    }
    nvlist_destroy(nvl);
    tunnel_down(&t);
}

/* Timers */

static unsigned
keepalives(struct tunnel *t)
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    uint8_t plain[2000];
    unsigned n = 0;
    uint32_t id;

    while (world_sent(d)) {
        if (far_open(d, &t->far, &id, plain) == 16) {
            CHECK_EQ(plain[0], 0x2a);
            n++;
        }
    }
    free(d);
    return n;
}

TEST("keepalive only when nothing else was sent")
{
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_set_peer(t.ifp, 7, 10, 0), 0);
    world_advance(31 * 1000000000ULL);
    CHECK_EQ(keepalives(&t), 3);
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    for (int i = 0; i < 30; i++) {
        world_advance(1000000000ULL);
        CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
    }
    CHECK_EQ(keepalives(&t), 0);
    CHECK_EQ(user_stat(t.ifp, "data", "out"), 30); /* keepalives are not data */
    tunnel_down(&t);
}

/* Pitfall: 0 did not stop a running timer, or made it spin. */
TEST("zero switches timers off")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_set_peer(t.ifp, 7, 1, 30), 0);
    world_advance(3 * 1000000000ULL + 1);
    CHECK_EQ(keepalives(&t), 3);
    CHECK_EQ(user_set_peer(t.ifp, 7, 0, 0), 0);
    world_advance(1000 * 1000000000ULL);
    CHECK_EQ(keepalives(&t), 0);
    CHECK_EQ(user_pending(t.ifp), 0);
    tunnel_down(&t);
}

TEST("authentic packets alone keep a peer alive")
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    struct user_event e;
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_set_peer(t.ifp, 7, 0, 10), 0);
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    for (int i = 0; i < 5; i++) {
        world_advance(8 * 1000000000ULL);
        CHECK(tunnel_send(&t, pkt, 100));
    }
    CHECK_EQ(user_pending(t.ifp), 0);
    for (int i = 0; i < 2; i++) {
        world_advance(6 * 1000000000ULL);
        far_address(d, CLIENT, 5000, SERVER, 1194);
        far_seal(d, &t.far, 7, 1000, pkt, 100);
        d->data[30] ^= 1;
        CHECK(world_receive(t.fd, d, NULL));
    }
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.reason, OVPN_DEL_REASON_TIMEOUT);
    free(d);
    tunnel_down(&t);
}
