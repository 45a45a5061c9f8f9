/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The module against the Linux data plane: what the module sends goes over real UDP on loopback to
 * the plane in another process, the kernel behind that one's TUN device answers echo requests, and
 * the answers come back through the module's receive path. If this failed, the two platforms of
 * core/ would not understand each other.
 */
#include "interop_host.h"
#include "tunnel.h"

#define HERE        "10.88.0.2"
#define THERE       "10.88.0.1"
#define PORT        5000 /* of the module's socket */
#define PORT_MOVED  5001
#define PORT_LINUX  1194
#define PAYLOAD_MAX 1400
#define IP_ICMP     28 /* both headers */
#define WAIT_MS     5000
#define BURST       16

struct link {
    struct tunnel t;
    int fd; /* the real socket that carries the stand-in's */
    uint16_t sent, answered;
    int tx_key, rx_key; /* key ids last seen on the wire */
};

static const char *const ciphers[] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM",
                                      "CHACHA20-POLY1305"};

static const char *
hex(char *text, const uint8_t *bytes, int len)
{
    for (int i = 0; i < len; i++)
        sprintf(text + 2 * (size_t)i, "%02x", bytes[i]);
    return text;
}

/* The same key into the same slot of both ends. */
static void
install(struct link *l, unsigned slot, uint8_t id, const char *cipher, unsigned seed)
{
    char out[65], out_iv[17], in[65], in_iv[17];
    struct user_key key, far;

    user_key_make(&key, id, cipher, seed);
    far = user_key_mirror(&key);
    CHECK_EQ(host_peer("key %u %u %s %s %s %s %s", slot, id, cipher, hex(out, far.out, far.len),
                       hex(out_iv, far.out_iv, 8), hex(in, far.in, far.len),
                       hex(in_iv, far.in_iv, 8)),
             0);
    CHECK_EQ(user_new_key(l->t.ifp, l->t.peer.id, slot, &key), 0);
}

static void
link_up(struct link *l, const char *cipher, unsigned seed)
{
    if (host_missing() != NULL)
        test_skip(host_missing());
    memset(l, 0, sizeof(*l));
    CHECK(host_namespace());
    CHECK(host_peer_start("interop0", THERE "/24", PORT_LINUX, PORT));
    l->fd = host_socket(PORT);
    CHECK(l->fd >= 0);
    CHECK_EQ(world_create("ovpn", &l->t.ifp), 0);
    l->t.fd = world_socket(AF_INET, SOCK_DGRAM, NULL, PORT);
    l->t.peer = (struct user_peer){
        .id = 7, .fd = l->t.fd, .remote = "127.0.0.1", .remote_port = PORT_LINUX};
    CHECK_EQ(user_new_peer(l->t.ifp, &l->t.peer), 0);
    install(l, 0, 0, cipher, seed);
    CHECK_EQ(user_start(l->t.ifp), 0);
}

/* Neither end dropped anything besides what the test made it drop. */
static void
link_down(struct link *l, int drops)
{
    CHECK_EQ(l->answered, l->sent);
    CHECK_EQ(host_peer("drops"), drops);
    CHECK(host_peer_stop());
    CHECK_EQ(user_stat(l->t.ifp, "lost_data", "in"), 0);
    CHECK_EQ(user_stat(l->t.ifp, "lost_data", "out"), 0);
    CHECK_EQ(l->t.ifp->counters[IFCOUNTER_IERRORS], 0);
    CHECK_EQ(world_sent_count(), 0);
    CHECK_EQ(world_stacked_count(), 0);
    tunnel_down(&l->t);
}

/* Echo, RFC 792 */

static uint16_t
checksum(const uint8_t *p, int len)
{
    uint32_t sum = 0;

    for (int i = 0; i < len; i++)
        sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void
put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* type 8: a request, 0: its answer. Returns the length of all. */
static int
make_echo(uint8_t *pkt, uint8_t type, uint16_t seq, int payload)
{
    const char *src = type == 8 ? HERE : THERE, *dst = type == 8 ? THERE : HERE;
    int len = inner_packet(pkt, src, dst, IP_ICMP + payload);
    uint8_t *icmp = pkt + 20;

    pkt[9] = 1;
    put16(pkt + 10, checksum(pkt, 20));
    memset(icmp, 0, 8);
    icmp[0] = type;
    put16(icmp + 4, 0x1d0);
    put16(icmp + 6, seq);
    for (int i = 0; i < payload; i++)
        icmp[8 + i] = (uint8_t)(i * 7 + seq * 13);
    put16(icmp + 2, checksum(icmp, 8 + payload));
    return len;
}

/* What answers to a request, in all bytes but those of the IP header that are the kernel's choice:
 * identification, fragment bits, time to live. */
static void
check_answer(const struct world_packet *p, uint16_t seq, int payload)
{
    uint8_t want[IP_ICMP + PAYLOAD_MAX];
    int len = make_echo(want, 0, seq, payload);

    CHECK_EQ(p->len, len);
    CHECK_EQ(checksum(p->data, 20), 0);
    CHECK_MEM(p->data, want, 4);
    CHECK_EQ(p->data[9], 1);
    CHECK_MEM(p->data + 12, want + 12, (size_t)len - 12);
}

/* Both ways */

static void
seal(struct link *l, struct world_datagram *d, uint16_t seq, int payload)
{
    uint8_t pkt[IP_ICMP + PAYLOAD_MAX];
    int len = make_echo(pkt, 8, seq, payload);

    CHECK_EQ(world_transmit(l->t.ifp, pkt, len, NULL, NULL), 0);
    CHECK(world_sent(d));
    CHECK_EQ(d->len, len + 24);
    CHECK_EQ(d->sport, PORT);
    CHECK_EQ(d->dport, PORT_LINUX);
    l->tx_key = d->data[0] & 7;
}

static void
request(struct link *l, int payload)
{
    struct world_datagram *d = calloc(1, sizeof(*d));

    seal(l, d, ++l->sent, payload);
    CHECK(host_send(l->fd, d->dport, d->data, d->len));
    free(d);
}

static void
answer(struct link *l, int payload)
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    struct world_packet *p = calloc(1, sizeof(*p));
    uint16_t from;
    int len = host_receive(l->fd, &from, d->data, sizeof(d->data), WAIT_MS);

    if (len < 0)
        (void)host_peer("drops"); /* by reason, on standard error */
    CHECK_EQ(len, IP_ICMP + payload + 24);
    CHECK_EQ(from, PORT_LINUX);
    far_address(d, "127.0.0.1", from, "127.0.0.1", PORT);
    d->len = len;
    l->rx_key = d->data[0] & 7;
    CHECK(world_receive(l->t.fd, d, NULL));
    CHECK(world_stacked(p));
    check_answer(p, ++l->answered, payload);
    free(d);
    free(p);
}

static void
ping(struct link *l, int payload)
{
    request(l, payload);
    answer(l, payload);
}

static void
request_burst(struct link *l)
{
    for (int i = 0; i < BURST; i++)
        request(l, 64 + 80 * i);
}

static void
answer_burst(struct link *l)
{
    for (int i = 0; i < BURST; i++)
        answer(l, 64 + 80 * i);
}

static void
every_size(const char *cipher)
{
    struct link l;

    link_up(&l, cipher, 1);
    for (int payload = 64; payload < 97; payload++)
        ping(&l, payload);
    for (int payload = 97; payload < PAYLOAD_MAX; payload += 31)
        ping(&l, payload);
    ping(&l, PAYLOAD_MAX);
    request_burst(&l);
    answer_burst(&l);
    link_down(&l, 0);
}

TEST("every size reaches the Linux plane and comes back: AES-128-GCM")
{
    every_size(ciphers[0]);
}

TEST("every size reaches the Linux plane and comes back: AES-192-GCM")
{
    every_size(ciphers[1]);
}

TEST("every size reaches the Linux plane and comes back: AES-256-GCM")
{
    every_size(ciphers[2]);
}

TEST("every size reaches the Linux plane and comes back: ChaCha20-Poly1305")
{
    every_size(ciphers[3]);
}

/* A new key as openvpn brings it: into both secondary slots, in use by one end first and then by
 * the other, and the old one goes. Packets are on their way at each step. */
static void
rekey(struct link *l, uint8_t id, const char *cipher)
{
    uint8_t old = (uint8_t)l->tx_key;

    request_burst(l);
    install(l, 1, id, cipher, 10U + id);
    answer_burst(l);
    request_burst(l);
    CHECK_EQ(host_peer("swap"), 0);
    answer_burst(l);
    ping(l, 500);
    CHECK_EQ(l->tx_key, old);
    CHECK_EQ(l->rx_key, id);
    request_burst(l);
    CHECK_EQ(user_swap_keys(l->t.ifp, l->t.peer.id), 0);
    answer_burst(l);
    ping(l, 500);
    CHECK_EQ(l->tx_key, id);
    CHECK_EQ(host_peer("del 1"), 0);
    CHECK_EQ(user_del_key(l->t.ifp, l->t.peer.id, 1), 0);
    ping(l, 500);
    CHECK_EQ(l->tx_key, id);
    CHECK_EQ(l->rx_key, id);
}

TEST("keys change at both ends and no packet is lost")
{
    struct link l;

    link_up(&l, ciphers[3], 1);
    ping(&l, 64);
    for (uint8_t i = 0; i < nitems(ciphers); i++)
        rekey(&l, (uint8_t)(i + 1), ciphers[i]);
    link_down(&l, 0);
}

/* The way between the ends gives the module's socket another source port, as a NAT does. Whoever
 * sends without the key from elsewhere moves nothing. */
TEST("the Linux plane follows the module to another port")
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    int old, forger;
    struct link l;
    uint16_t from;

    link_up(&l, "AES-256-GCM", 1);
    ping(&l, 200);
    forger = host_socket(PORT_MOVED + 1);
    CHECK(forger >= 0);
    seal(&l, d, 999, 200);
    d->data[60] ^= 1;
    CHECK(host_send(forger, PORT_LINUX, d->data, d->len));
    ping(&l, 200);
    CHECK_EQ(host_peer("floated"), 0);

    old = l.fd;
    l.fd = host_socket(PORT_MOVED);
    CHECK(l.fd >= 0);
    ping(&l, 200);
    CHECK_EQ(host_peer("floated"), PORT_MOVED);
    request_burst(&l);
    answer_burst(&l);
    CHECK_EQ(host_receive(old, &from, d->data, sizeof(d->data), 0), -1);
    CHECK_EQ(host_receive(forger, &from, d->data, sizeof(d->data), 0), -1);
    free(d);
    link_down(&l, 1);
}
