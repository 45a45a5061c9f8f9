/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong: no memory, crypto that is late, broken or gone, and ends in the middle. */
#include "tunnel.h"

#define S 1000000000ULL

static void
drain_events(struct ifnet *ifp)
{
    struct user_event e;

    while (user_event(ifp, &e) == 0)
        ;
}

/* One of everything; each step may fail, none may leak, hang or panic. */
static void
whole_life(void)
{
    static const uint8_t net[4] = {192, 0, 2, 0};
    struct user_key second;
    struct world_datagram *d = calloc(1, sizeof(*d));
    struct world_packet *p = calloc(1, sizeof(*p));
    struct world_chain pieces = {.cut = 11, .shared = true};
    uint8_t pkt[200];
    struct tunnel t;
    nvlist_t *nvl;
    int len;

    tunnel_open(&t);
    world_routes_clear();
    world_route(AF_INET, net, 24, NULL, NULL, 1500);
    (void)user_new_peer(t.ifp, &t.peer);
    user_key_make(&t.key, 0, "AES-256-GCM", 1);
    t.far = user_key_mirror(&t.key);
    (void)user_new_key(t.ifp, 7, 0, &t.key);
    user_key_make(&second, 1, "CHACHA20-POLY1305", 2);
    (void)user_new_key(t.ifp, 7, 1, &second);
    (void)user_start(t.ifp);
    (void)user_set_peer(t.ifp, 7, 5, 20);
    len = inner_syn(pkt, "198.51.100.1", VPN, 1460);
    (void)world_transmit(t.ifp, pkt, len, &pieces, NULL);
    inner_packet(pkt, VPN, "198.51.100.1", 200);
    for (uint32_t id = 1; id < 4; id++)
        (void)tunnel_send_id(&t, id, pkt, 200, &pieces);
    t.src = "192.0.2.99";
    (void)tunnel_send_id(&t, 9, pkt, 200, NULL);
    (void)user_swap_keys(t.ifp, 7);
    world_advance(6 * S);
    if (user_get(t.ifp, OVPN_GET_PEER_STATS, 4096, &nvl) == 0)
        nvlist_destroy(nvl);
    if (user_get(t.ifp, OVPN_GET_STATS, 4096, &nvl) == 0)
        nvlist_destroy(nvl);
    world_advance(30 * S);
    drain_events(t.ifp);
    (void)user_del_peer(t.ifp, 7);
    while (world_sent(d) || world_stacked(p))
        ;
    free(d);
    free(p);
    tunnel_down(&t);
}

extern bool user_faults_off;

TEST("every allocation fails once")
{
    unsigned n = 0;

    user_faults_off = true;
    do {
        world_fail_allocation(++n);
        whole_life();
        CHECK_EQ(world_sessions(), 0);
    } while (world_failed());
    world_fail_allocation(0);
    CHECK(n > 150);
}

/* Late completion */

TEST("late crypto arrives")
{
    struct world_packet *p = calloc(1, sizeof(*p));
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    world_crypto = CRYPTO_LATE;
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    for (int i = 0; i < 50; i++)
        CHECK(tunnel_send(&t, pkt, 100));
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
    CHECK_EQ(world_stacked_count(), 0);
    CHECK_EQ(world_crypto_complete(true), 51);
    for (int i = 0; i < 50; i++)
        CHECK(world_stacked(p));
    tunnel_expect_out(&t, pkt, 100);
    free(p);
    world_crypto = CRYPTO_AT_ONCE;
    tunnel_down(&t);
}

/* However a driver reorders a queue of 1000, it stays inside the window of 2048. */
TEST("reordering by late crypto stays in the window")
{
    struct world_packet *p = calloc(1, sizeof(*p));
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    world_crypto = CRYPTO_LATE;
    inner_packet(pkt, VPN, "198.51.100.1", 60);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 1000; i++)
            CHECK(tunnel_send(&t, pkt, 60));
        CHECK_EQ(world_crypto_complete(true), 1000);
    }
    CHECK_EQ(world_stacked_count(), 5000);
    CHECK_EQ(user_stat(t.ifp, "lost_data", "in"), 0);
    while (world_stacked(p))
        ;
    free(p);
    world_crypto = CRYPTO_AT_ONCE;
    tunnel_down(&t);
}

/* Pitfall: the completion looked its key up again, and met an empty or another slot. */
TEST("key and peer go while crypto works")
{
    struct user_key second;
    uint8_t pkt[100];
    struct tunnel t;

    for (int what = 0; what < 4; what++) {
        tunnel_up(&t, "AES-256-GCM");
        world_crypto = CRYPTO_LATE;
        inner_packet(pkt, VPN, "198.51.100.1", 100);
        CHECK(tunnel_send(&t, pkt, 100));
        inner_packet(pkt, "198.51.100.1", VPN, 100);
        CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
        user_key_make(&second, 0, "AES-128-GCM", 77);
        switch (what) {
        case 0:
            CHECK_EQ(user_del_key(t.ifp, 7, 0), 0);
            break;
        case 1:
            CHECK_EQ(user_new_key(t.ifp, 7, 0, &second), 0);
            break;
        case 2:
            CHECK_EQ(user_del_peer(t.ifp, 7), 0);
            break;
        case 3: /* and another takes its id */
            CHECK_EQ(user_del_peer(t.ifp, 7), 0);
            CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
            CHECK_EQ(user_new_key(t.ifp, 7, 0, &second), 0);
            break;
        }
        world_settle();
        CHECK_EQ(world_sessions(), what == 0 || what == 2 ? 2 : 4); /* the old key is in use */
        CHECK_EQ(world_crypto_complete(false), 2);
        world_settle();
        world_advance(OLD_KEY_NS); /* of the key that was replaced */
        CHECK_EQ(world_sessions(), what == 0 || what == 2 ? 0 : 2);
        world_crypto = CRYPTO_AT_ONCE;
        tunnel_down(&t);
    }
}

/* Pitfall: destroying an interface under load said EBUSY. */
TEST("interface goes while crypto works")
{
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    world_crypto = CRYPTO_LATE;
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    for (int i = 0; i < 10; i++)
        CHECK(tunnel_send(&t, pkt, 100));
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
    tunnel_down(&t);
    CHECK_EQ(world_crypto_complete(false), 0);
}

/* Packets both ways; errno_out: what the caller of the second hears. */
static void
send_both(struct tunnel *t, int errno_out)
{
    uint8_t pkt[100];

    inner_packet(pkt, VPN, "198.51.100.1", 100);
    CHECK(tunnel_send(t, pkt, 100));
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    CHECK_EQ(world_transmit(t->ifp, pkt, 100, NULL, NULL), errno_out);
    (void)world_crypto_complete(false);
}

static void
both_ways(struct tunnel *t)
{
    uint8_t pkt[100];

    send_both(t, 0);
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    tunnel_expect_in(t, pkt, 100);
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    tunnel_expect_out(t, pkt, 100);
}

/* Neither an allocation nor a reference to key and peer; with another kind of driver there are. */
TEST("a synchronous driver needs no job")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    both_ways(&t);
    CHECK_EQ(world_sync_requests, 2);
    world_crypto_async = true;
    both_ways(&t);
    CHECK_EQ(world_sync_requests, 2);
    tunnel_down(&t);
}

/* Of the driver: the stack's own copies have room for every header. */
TEST("a packet needs no memory")
{
    uint8_t out[100], in[100];
    struct tunnel t;

    for (int tcp = 0; tcp < 2; tcp++) {
        tunnel_up(&t, "AES-256-GCM");
        inner_packet(out, "198.51.100.1", VPN, 100);
        inner_packet(in, VPN, "198.51.100.1", 100);
        out[9] = in[9] = tcp ? IPPROTO_TCP : IPPROTO_UDP;
        world_fail_allocation(1);
        CHECK_EQ(world_transmit(t.ifp, out, 100, NULL, NULL), 0);
        CHECK(tunnel_send(&t, in, 100));
        CHECK(!world_failed());
        world_fail_allocation(0);
        tunnel_expect_out(&t, out, 100);
        tunnel_expect_in(&t, in, 100);
        tunnel_down(&t);
    }
}

TEST("broken crypto is counted")
{
    for (int async = 0; async < 2; async++) {
        struct tunnel t;

        world_crypto_async = async;
        tunnel_up(&t, "AES-256-GCM");
        world_crypto = CRYPTO_BROKEN;
        send_both(&t, async ? 0 : ENOBUFS);
        CHECK_EQ(user_drops(t.ifp, "rx_crypto"), 1);
        CHECK_EQ(user_drops(t.ifp, "tx_crypto"), 1);
        CHECK_EQ(world_stacked_count() + world_sent_count(), 0);
        world_crypto = CRYPTO_AT_ONCE;
        tunnel_down(&t);
    }
}

static void
one_lost(struct tunnel *t, bool out)
{
    uint64_t before = user_drops(t->ifp, out ? "tx_crypto" : "rx_crypto");
    uint8_t pkt[100];

    if (out) {
        inner_packet(pkt, "198.51.100.1", VPN, 100);
        (void)world_transmit(t->ifp, pkt, 100, NULL, NULL);
    } else {
        inner_packet(pkt, VPN, "198.51.100.1", 100);
        CHECK(tunnel_send(t, pkt, 100));
    }
    (void)world_crypto_complete(false);
    CHECK_EQ(user_drops(t->ifp, out ? "tx_crypto" : "rx_crypto"), before + 1);
    CHECK_EQ(world_stacked_count() + world_sent_count(), 0);
}

/* The framework moves a session when its driver unregisters; the next packet uses the new one,
 * whatever kind of driver either is. */
TEST("a driver leaves")
{
    for (int kinds = 0; kinds < 4; kinds++) {
        for (int out = 0; out < 2; out++) {
            struct tunnel t;

            world_crypto_async = kinds & 1;
            world_crypto_next_async = kinds >> 1;
            tunnel_up(&t, "AES-256-GCM");
            world_crypto = CRYPTO_MOVED;
            one_lost(&t, out);
            both_ways(&t);
            CHECK_EQ(world_sessions(), 2);
            tunnel_down(&t);
        }
    }
}

/* EAGAIN from a driver whose queue is full: the session is what it was. */
TEST("a driver is busy")
{
    for (int async = 0; async < 2; async++) {
        struct tunnel t;

        world_crypto_async = async;
        tunnel_up(&t, "AES-256-GCM");
        for (int out = 0; out < 2; out++) {
            world_crypto = CRYPTO_BUSY;
            one_lost(&t, out);
            world_crypto = CRYPTO_AT_ONCE;
            both_ways(&t);
        }
        CHECK_EQ(world_sessions(), 2);
        CHECK_EQ(user_pending(t.ifp), 0);
        tunnel_down(&t);
    }
}

/* The last driver that had the cipher: the session is gone, nothing is asked of it again, and
 * openvpn hears that a new key is wanted, which another driver can serve. */
static void
last_driver_leaves(bool async, bool out)
{
    struct user_event e;
    struct tunnel t;

    world_crypto_async = world_crypto_next_async = async;
    tunnel_up(&t, "CHACHA20-POLY1305");
    world_crypto = CRYPTO_MOVED;
    world_newsession_error = EOPNOTSUPP;
    for (int i = 0; i < 5; i++)
        one_lost(&t, out);
    world_newsession_error = 0;
    CHECK_EQ(world_sessions(), 1);
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.kind, OVPN_NOTIF_ROTATE_KEY);
    CHECK_EQ(user_event(t.ifp, &e), ENOENT);
    one_lost(&t, out);
    CHECK_EQ(user_del_key(t.ifp, t.peer.id, 0), 0);
    world_settle();
    CHECK_EQ(world_sessions(), 0);
    tunnel_key(&t, "AES-128-GCM");
    t.next_id = 1;
    both_ways(&t);
    tunnel_down(&t);
}

TEST("a driver leaves and no other has the cipher")
{
    for (int what = 0; what < 4; what++)
        last_driver_leaves(what & 1, what >> 1);
}

/* A request that was with the driver when it left ends after the session has been moved for another
 * request: with an error of the driver that is gone, or moved as well. */
TEST("a driver leaves with requests on their way")
{
    uint8_t pkt[100];
    struct tunnel t;

    for (int what = 0; what < 4; what++) {
        bool out = what & 1;

        tunnel_up(&t, "AES-256-GCM");
        world_crypto = CRYPTO_LATE;
        inner_packet(pkt, out ? "198.51.100.1" : VPN, out ? VPN : "198.51.100.1", 100);
        if (out)
            CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
        else
            CHECK(tunnel_send(&t, pkt, 100));
        world_crypto = CRYPTO_MOVED;
        if (out)
            CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), ENOBUFS);
        else
            CHECK(tunnel_send(&t, pkt, 100));
        CHECK_EQ(world_sessions(), 2);
        world_crypto = what & 2 ? CRYPTO_MOVED : CRYPTO_BUSY;
        CHECK_EQ(world_crypto_complete(false), 1);
        world_crypto = CRYPTO_AT_ONCE;
        CHECK_EQ(world_sessions(), 2);
        both_ways(&t);
        tunnel_down(&t);
    }
}

/* Packet ids */

struct dco_key;
struct dco_key *test_primary_key(struct ifnet *ifp, uint32_t peer);
void test_set_packet_id(struct dco_key *key, uint64_t next);

TEST("a new key is asked for at half of the ids")
{
    struct user_event e;
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "CHACHA20-POLY1305");
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    test_set_packet_id(test_primary_key(t.ifp, 7), 0x7fffffff);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.kind, OVPN_NOTIF_ROTATE_KEY);
    CHECK_EQ(e.peer, 7);
    CHECK_EQ(user_event(t.ifp, &e), ENOENT); /* once */
    tunnel_down(&t);
}

/* Pitfall: the packet leaked when the ids ran out. */
TEST("packet ids run out and never come again")
{
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "CHACHA20-POLY1305");
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    test_set_packet_id(test_primary_key(t.ifp, 7), 0xffffffffULL);
    CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
    CHECK_EQ(tunnel_expect_out(&t, pkt, 100), 0xffffffffU);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), ENOBUFS);
    CHECK_EQ(world_sent_count(), 0);
    CHECK_EQ(user_drops(t.ifp, "tx_key_limit"), 5);
    tunnel_down(&t);
}
