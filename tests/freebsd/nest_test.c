/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets that come out of a tunnel and go into one: back to the socket of a tunnel, or forwarded.
 * A kernel stack is four pages, and every packet arrives or is a counted drop. Which packets netisr
 * hands to which of its threads, too.
 */
#include "tunnel.h"

extern int vnet_entry_ovpn_async_crypto, vnet_entry_ovpn_netisr_queue;
#define SYSCTL(name) (*(int *)kern_vnet_var(&vnet_entry_ovpn_##name))

static const char *const here[] = {"198.51.100.1", "2001:db8:1::1"};
static const char *const there[] = {VPN, VPN6};

/* One of several tunnels, each with a socket of its own. */
static void
tunnel_at(struct tunnel *t, uint16_t port, int family)
{
    tunnel_open_port(t, port);
    world_close(t->fd);
    t->fd = t->peer.fd = world_socket(family, SOCK_DGRAM, NULL, port);
    t->peer.local_port = port;
    t->peer.remote = family == AF_INET6 ? "::ffff:192.0.2.2" : CLIENT;
    CHECK_EQ(user_new_peer(t->ifp, &t->peer), 0);
    tunnel_key(t, "AES-256-GCM");
}

/* pkt becomes a datagram of the far end to the tunnel's port, inside an IP packet. */
static int
wrap(struct tunnel *t, uint16_t port, int v6, uint8_t *pkt, int len)
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    int at = v6 ? 40 : 20;

    far_seal(d, &t->far, t->peer.id, t->next_id++, pkt, len);
    len = inner_packet(pkt, there[v6], here[v6], at + 8 + d->len);
    pkt[at] = 5000 >> 8;
    pkt[at + 1] = 5000 & 0xff;
    pkt[at + 2] = (uint8_t)(port >> 8);
    pkt[at + 3] = (uint8_t)port;
    pkt[at + 4] = (uint8_t)((d->len + 8) >> 8);
    pkt[at + 5] = (uint8_t)(d->len + 8);
    memcpy(pkt + at + 8, d->data, (size_t)d->len);
    free(d);
    return len;
}

static void
receive_at(struct tunnel *t, uint16_t port, const uint8_t *pkt, int len)
{
    struct world_datagram *d = calloc(1, sizeof(*d));

    far_address(d, CLIENT, 5000, SERVER, port);
    far_seal(d, &t->far, t->peer.id, t->next_id++, pkt, len);
    CHECK(world_receive(t->fd, d, NULL));
    free(d);
}

static void
finish_crypto(void)
{
    while (world_crypto_waiting() != 0)
        (void)world_crypto_complete(false);
}

static unsigned
arrived(void)
{
    struct world_packet *p = calloc(1, sizeof(*p));
    unsigned n = 0;

    while (world_stacked(p))
        n++;
    free(p);
    return n;
}

/* Data of a tunnel inside that same tunnel, as many times as fit. No answer could leave either; and
 * the peer is not to be found at an address inside its own tunnel. */
static void
inside_itself(int v6, enum world_crypto crypto)
{
    static uint8_t pkt[66000];
    struct tunnel t;
    int len;

    tunnel_at(&t, 1194, v6 ? AF_INET6 : AF_INET);
    world_advance(20000000);
    world_crypto = crypto;
    for (int depth = 1; depth < 200; depth = depth < 30 ? depth + 1 : depth * 2) {
        uint64_t before = user_drops(t.ifp, "rx_loop");

        len = inner_packet(pkt, there[0], here[0], 60);
        for (int i = 0; i < depth; i++)
            len = wrap(&t, 1194, v6, pkt, len);
        receive_at(&t, 1194, pkt, len);
        finish_crypto();
        CHECK_EQ(user_drops(t.ifp, "rx_loop"), before + 1);
        CHECK_EQ(arrived(), 0);
    }
    CHECK_EQ(user_pending(t.ifp), 0);
    world_crypto = CRYPTO_AT_ONCE;
    tunnel_down(&t);
}

TEST("a tunnel inside itself")
{
    inside_itself(0, CRYPTO_AT_ONCE);
    inside_itself(1, CRYPTO_AT_ONCE);
    inside_itself(0, CRYPTO_LATE);
}

/* Two tunnels by turns. A tunnel inside a tunnel is a thing that people do, and works. */
static void
by_turns(struct tunnel t[2], int v6, int depth)
{
    static uint8_t pkt[66000];
    int len = inner_packet(pkt, there[0], here[0], 60), i;
    uint64_t before;

    before = user_drops(t[0].ifp, "rx_loop") + user_drops(t[1].ifp, "rx_loop");
    for (i = depth; i > 0; i--)
        len = wrap(&t[i & 1], (uint16_t)(1194 + (i & 1)), v6, pkt, len);
    receive_at(&t[0], 1194, pkt, len);
    finish_crypto();
    CHECK_EQ(arrived(), depth <= 3);
    CHECK_EQ(user_drops(t[0].ifp, "rx_loop") + user_drops(t[1].ifp, "rx_loop"),
             before + (depth > 3));
}

static void
inside_each_other(int v6, enum world_crypto crypto)
{
    struct tunnel t[2];

    for (int i = 0; i < 2; i++)
        tunnel_at(&t[i], (uint16_t)(1194 + i), v6 ? AF_INET6 : AF_INET);
    world_crypto = crypto;
    for (int depth = 0; depth < 200; depth = depth < 30 ? depth + 1 : depth * 2)
        by_turns(t, v6, depth);
    world_crypto = CRYPTO_AT_ONCE;
    for (int i = 0; i < 2; i++)
        tunnel_down(&t[i]);
}

TEST("tunnels inside each other")
{
    inside_each_other(0, CRYPTO_AT_ONCE);
    inside_each_other(1, CRYPTO_AT_ONCE);
    inside_each_other(0, CRYPTO_LATE);
    inside_each_other(1, CRYPTO_LATE);
}

TEST("tunnels inside each other by the queue")
{
    SYSCTL(netisr_queue) = 1;
    inside_each_other(0, CRYPTO_AT_ONCE);
    inside_each_other(1, CRYPTO_LATE);
}

/* The interfaces below have taken their share of the stack: bridges, other tunnels. */
TEST("half a stack is left to what follows")
{
    struct world_packet *p = calloc(1, sizeof(*p));
    struct tunnel t[2];
    uint8_t pkt[100];

    for (int i = 0; i < 2; i++)
        tunnel_at(&t[i], (uint16_t)(1194 + i), AF_INET);
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    for (size_t taken = 0; taken <= 12000; taken += 500) {
        world_stack_taken = taken;
        receive_at(&t[0], 1194, pkt, sizeof(pkt));
        CHECK(world_stacked(p));
        if (taken < 4000 || taken >= 8192)
            CHECK_EQ(p->queued, taken >= 8192);
        for (int depth = 0; depth < 8; depth++)
            by_turns(t, 0, depth);
    }
    world_stack_taken = 0;
    for (int i = 0; i < 2; i++)
        tunnel_down(&t[i]);
    free(p);
}

/* A queue that is full is no silent loss. */
TEST("a full queue is a counted drop")
{
    struct tunnel t;
    uint8_t pkt[100];

    tunnel_at(&t, 1194, AF_INET);
    SYSCTL(netisr_queue) = 1;
    world_netisr_full = true;
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    receive_at(&t, 1194, pkt, sizeof(pkt));
    CHECK_EQ(arrived(), 0);
    CHECK_EQ(user_drops(t.ifp, "rx_queue"), 1);
    CHECK_EQ(user_stat(t.ifp, "data", "in"), 0);
    CHECK_EQ(t.ifp->counters[IFCOUNTER_IPACKETS], 0);
    world_netisr_full = false;
    receive_at(&t, 1194, pkt, sizeof(pkt));
    CHECK_EQ(arrived(), 1);
    CHECK_EQ(user_stat(t.ifp, "data", "in"), 1);
    tunnel_down(&t);
}

/* Forwarding happens inside the hook: here into a second tunnel whose far end is reached through a
 * third one, and that one's through a fourth. */
TEST("forwarded into nested tunnels")
{
    static const uint8_t client[3][4] = {{10, 0, 1, 2}, {10, 0, 2, 2}, {10, 0, 3, 2}};
    static const char *const remote[3] = {"10.0.2.2", "10.0.3.2", "192.0.2.9"};
    uint8_t pkt[300];
    struct tunnel in, out[3];

    tunnel_at(&in, 1194, AF_INET);
    for (int i = 0; i < 3; i++) {
        tunnel_open_port(&out[i], (uint16_t)(1195 + i));
        out[i].peer.remote = remote[i];
        out[i].peer.vpn4 = out[i].peer.vpn6 = NULL; /* point to point: everything goes there */
        CHECK_EQ(user_new_peer(out[i].ifp, &out[i].peer), 0);
        tunnel_key(&out[i], i & 1 ? "CHACHA20-POLY1305" : "AES-128-GCM");
        world_route(AF_INET, client[i], 32, out[i].ifp, NULL, 1428);
    }
    world_forwarding = true;
    inner_packet(pkt, VPN, "10.0.1.2", sizeof(pkt));
    for (size_t taken = 0; taken <= 10000; taken += 1000) {
        struct world_datagram *d = calloc(1, sizeof(*d));

        world_stack_taken = taken;
        pkt[8] = 64;
        receive_at(&in, 1194, pkt, sizeof(pkt));
        CHECK(world_sent(d));
        CHECK_EQ(d->sport, 1197);
        free(d);
    }
    world_stack_taken = 0;
    world_forwarding = false;
    world_routes_clear();
    for (int i = 0; i < 3; i++)
        tunnel_down(&out[i]);
    tunnel_down(&in);
}

/* Two tunnels whose routes lead into each other, and a packet that would go round for ever. */
static void
round_and_round(struct tunnel t[2], const struct world_chain *chain)
{
    uint64_t before = user_drops(t[0].ifp, "tx_loop") + user_drops(t[1].ifp, "tx_loop");
    unsigned requests = world_sync_requests;
    uint8_t pkt[300];

    inner_packet(pkt, "10.0.0.1", "10.0.1.2", sizeof(pkt));
    CHECK_EQ(world_transmit(t[0].ifp, pkt, sizeof(pkt), chain, NULL), ELOOP);
    CHECK_EQ(user_drops(t[0].ifp, "tx_loop") + user_drops(t[1].ifp, "tx_loop"), before + 1);
    CHECK_EQ(world_sent_count(), 0);
    CHECK(world_sync_requests - requests <= 3);
}

TEST("two tunnels lead into each other")
{
    static const char *const remote[2] = {"10.0.2.2", "10.0.1.2"};
    struct tunnel t[2];

    for (int i = 0; i < 2; i++)
        tunnel_open_port(&t[i], (uint16_t)(1194 + i));
    for (int i = 0; i < 2; i++) {
        uint8_t far[4];

        t[i].peer.remote = remote[i];
        t[i].peer.vpn4 = t[i].peer.vpn6 = NULL;
        CHECK_EQ(user_new_peer(t[i].ifp, &t[i].peer), 0);
        tunnel_key(&t[i], "AES-256-GCM");
        user_addr(remote[i], far);
        world_route(AF_INET, far, 32, t[!i].ifp, NULL, 1428);
    }
    round_and_round(t, NULL);
    round_and_round(t, &(struct world_chain){.cut = 7});
    for (int i = 0; i < 2; i++)
        tunnel_down(&t[i]);
}

/* Whatever led here: a loop through what no driver of ours recognises ends with the stack. */
TEST("the last quarter of the stack is not used")
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_at(&t, 1194, AF_INET);
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    for (size_t taken = 0; taken <= 16000; taken += 500) {
        bool fits = taken < 11000;

        if (taken >= 11000 && taken < 12288)
            continue;
        world_stack_taken = taken;
        CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), fits ? 0 : ELOOP);
        CHECK_EQ(world_sent(d), fits);
    }
    world_stack_taken = 0;
    CHECK_EQ(user_drops(t.ifp, "tx_loop"), 8);
    free(d);
    tunnel_down(&t);
}

/* netisr spreads by the flow hash of the inner packet; a flow stays in one thread, so in order. */
static unsigned
stream(struct tunnel *t, const uint8_t *pkt, int len)
{
    struct world_packet *p = calloc(1, sizeof(*p));
    unsigned n;

    receive_at(t, 1194, pkt, len);
    CHECK(world_stacked(p));
    CHECK(p->queued);
    n = p->stream;
    free(p);
    return n;
}

static void
ports(uint8_t *pkt, int v6, uint16_t from)
{
    pkt[v6 ? 40 : 20] = (uint8_t)(from >> 8);
    pkt[v6 ? 41 : 21] = (uint8_t)from;
}

TEST("flows are spread over the queues")
{
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_at(&t, 1194, AF_INET);
    SYSCTL(netisr_queue) = 1;
    for (int v6 = 0; v6 < 2; v6++) {
        unsigned n[WORLD_STREAMS] = {0}, first;

        inner_packet(pkt, there[v6], here[v6], sizeof(pkt));
        for (int flow = 0; flow < 256; flow++) {
            ports(pkt, v6, (uint16_t)(20000 + flow));
            first = stream(&t, pkt, sizeof(pkt));
            n[first]++;
            pkt[v6 ? 60 : 40]++; /* what is no address and no port does not count */
            CHECK_EQ(stream(&t, pkt, sizeof(pkt)), first);
        }
        for (int i = 0; i < WORLD_STREAMS; i++)
            CHECK(n[i] > 256 / WORLD_STREAMS / 3);
    }
    tunnel_down(&t);
}

/* Only the first fragment has the ports; all go by the addresses. */
TEST("fragments of a datagram stay together")
{
    uint8_t pkt[100];
    struct tunnel t;
    unsigned first;

    tunnel_at(&t, 1194, AF_INET);
    SYSCTL(netisr_queue) = 1;
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    pkt[6] = 0x20;
    ports(pkt, 0, 20000);
    first = stream(&t, pkt, sizeof(pkt));
    for (int i = 0; i < 32; i++) {
        pkt[6] = i < 31 ? 0x20 : 0;
        pkt[7] = (uint8_t)(i + 1);
        ports(pkt, 0, (uint16_t)(i * 977));
        CHECK_EQ(stream(&t, pkt, sizeof(pkt)), first);
    }
    tunnel_down(&t);
}
