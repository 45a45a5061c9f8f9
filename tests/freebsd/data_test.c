/* SPDX-License-Identifier: BSD-2-Clause */
/* The data path: what goes through a tunnel, and what does not. */
#include "tunnel.h"

static const char *const ciphers[] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM",
                                      "CHACHA20-POLY1305", "none"};

static void
exchange(struct tunnel *t, const char *inside_here, const char *inside_there, int len)
{
    static uint8_t pkt[66000];

    inner_packet(pkt, inside_here, inside_there, len);
    CHECK_EQ(world_transmit(t->ifp, pkt, len, NULL, NULL), 0);
    tunnel_expect_out(t, pkt, len);
    inner_packet(pkt, inside_there, inside_here, len);
    CHECK(tunnel_send(t, pkt, len));
    tunnel_expect_in(t, pkt, len);
}

TEST("every cipher carries packets both ways")
{
    for (unsigned i = 0; i < nitems(ciphers); i++) {
        struct tunnel t;

        tunnel_up(&t, ciphers[i]);
        for (int len = 40; len <= 1500; len += len < 64 ? 1 : 97)
            exchange(&t, "198.51.100.1", VPN, len);
        exchange(&t, "2001:db8:1::1", VPN6, 1280);
        CHECK_EQ(user_stat(t.ifp, "lost_data", "in"), 0);
        CHECK_EQ(user_stat(t.ifp, "lost_data", "out"), 0);
        tunnel_down(&t);
    }
}

TEST("the tunnel runs over IPv6")
{
    static const uint8_t server[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    struct tunnel t;

    tunnel_open(&t);
    world_close(t.fd);
    t.fd = t.peer.fd = world_socket(AF_INET6, SOCK_DGRAM, server, 1194);
    t.peer.remote = t.src = "2001:db8::2";
    t.dst = "2001:db8::1";
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    exchange(&t, "198.51.100.1", VPN, 1000);
    exchange(&t, "2001:db8:1::1", VPN6, 1280);
    exchange(&t, "2001:db8:1::1", VPN6, 65483); /* the largest MTU */
    tunnel_down(&t);
}

/* An unbound IPv6 socket: the source is chosen when the peer is made. */
TEST("the source address of IPv6 is chosen")
{
    static const uint8_t chosen[16] = {0x20, 1, 0xd, 0xb8, [15] = 9};
    struct world_datagram *d = calloc(1, sizeof(*d));
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_open(&t);
    world_close(t.fd);
    t.fd = t.peer.fd = world_socket(AF_INET6, SOCK_DGRAM, NULL, 1194);
    t.peer.remote = "2001:db8::2";
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), EHOSTUNREACH);
    world_source6 = chosen;
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
    CHECK(world_sent(d));
    CHECK_MEM(d->src, chosen, 16);
    free(d);
    tunnel_down(&t);
}

TEST("a link-local peer keeps its zone")
{
    static const uint8_t local[16] = {0xfe, 0x80, [15] = 0xa};
    struct world_datagram *d = calloc(1, sizeof(*d));
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_open(&t);
    world_close(t.fd);
    t.fd = t.peer.fd = world_socket(AF_INET6, SOCK_DGRAM, local, 1194);
    t.peer.remote = "fe80::b";
    t.peer.scope_id = 3;
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
    CHECK(world_sent(d));
    CHECK(d->src[0] == 0xfe && d->src[3] == 3 && d->dst[0] == 0xfe && d->dst[3] == 3);

    /* and from there: no float, since address and zone are as known */
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    far_address(d, "fe80::b", 5000, "fe80::a", 1194);
    d->scope_id = 3;
    far_seal(d, &t.far, t.peer.id, 1, pkt, 100);
    CHECK(world_receive(t.fd, d, NULL));
    tunnel_expect_in(&t, pkt, 100);
    CHECK_EQ(user_pending(t.ifp), 0);
    free(d);
    tunnel_down(&t);
}

/* A dual-stack socket, whose IPv4 peers openvpn gives as mapped addresses. */
TEST("a mapped address is IPv4")
{
    struct tunnel t;

    tunnel_open(&t);
    world_close(t.fd);
    t.fd = t.peer.fd = world_socket(AF_INET6, SOCK_DGRAM, NULL, 1194);
    t.peer.remote = "::ffff:192.0.2.2";
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    exchange(&t, "198.51.100.1", VPN, 500);
    CHECK_EQ(user_pending(t.ifp), 0);
    tunnel_down(&t);
}

/* Pitfalls: assertion on a chain's layout, m_pullup after m_unshare, headers beyond the first mbuf.
 * Cut once at every byte, and into pieces of every size; shared with somebody who must not see a
 * change. */
static void
send_cut(struct tunnel *t, const struct world_chain *chain)
{
    uint8_t pkt[120];

    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send_id(t, t->next_id++, pkt, sizeof(pkt), chain));
    tunnel_expect_in(t, pkt, sizeof(pkt));
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    if (chain->cut_at < (int)sizeof(pkt)) {
        CHECK_EQ(world_transmit(t->ifp, pkt, sizeof(pkt), chain, NULL), 0);
        tunnel_expect_out(t, pkt, sizeof(pkt));
    }
}

TEST("chains may be cut at every byte")
{
    for (unsigned i = 0; i < nitems(ciphers); i++) {
        struct tunnel t;

        tunnel_up(&t, ciphers[i]);
        for (int at = 1; at < 28 + 24 + 120; at++) {
            for (int shared = 0; shared < 2; shared++) {
                send_cut(&t, &(struct world_chain){.cut_at = at, .shared = shared});
                send_cut(&t, &(struct world_chain){.cut = at, .shared = shared});
            }
        }
        tunnel_down(&t);
    }
}

/* One copy into one piece, however the stack cut what it shares with a socket or a tap; what is the
 * packet's own is not copied. A packet that is longer than a page stays in pieces. */
TEST("what is shared is copied into one piece")
{
    static uint8_t pkt[9000];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    for (int len = 100; len <= (int)sizeof(pkt); len += 1483) {
        for (int shared = 0; shared < 2; shared++) {
            const struct world_chain chain = {.cut = 60, .shared = shared};
            bool one = shared && len < 3900;

            inner_packet(pkt, "198.51.100.1", VPN, len);
            CHECK_EQ(world_transmit(t.ifp, pkt, len, &chain, NULL), 0);
            CHECK_EQ(world_crypto_pieces == 1, one);
            tunnel_expect_out(&t, pkt, len);
            inner_packet(pkt, VPN, "198.51.100.1", len);
            CHECK(tunnel_send_id(&t, t.next_id++, pkt, len, &chain));
            CHECK_EQ(world_crypto_pieces == 1, one);
            tunnel_expect_in(&t, pkt, len);
        }
    }
    tunnel_down(&t);
}

/* The copy has room for every header in front, and may be written even if the original may not. */
TEST("a copy is the only memory that a shared packet needs")
{
    const struct world_chain chains[] = {
        {.shared = true}, {.cut = 60, .shared = true}, {.flags = M_RDONLY}};
    uint8_t pkt[1400];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    for (unsigned i = 0; i < nitems(chains); i++) {
        world_fail_allocation(3); /* an mbuf and its storage are two */
        CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), &chains[i], NULL), 0);
        CHECK(!world_failed());
        world_fail_allocation(0);
        tunnel_expect_out(&t, pkt, sizeof(pkt));
    }
    tunnel_down(&t);
}

/* Every prefix of a datagram, with every opcode: taken, left or dropped, but never read beyond. */
TEST("datagrams of every length are handled")
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    uint8_t pkt[64];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    for (int opcode = 0; opcode < 32; opcode++) {
        for (int len = 0; len < 24 + (int)sizeof(pkt); len++) {
            bool data = opcode == 9 || opcode == 6 || len == 0;

            far_address(d, CLIENT, 5000, SERVER, 1194);
            far_seal(d, &t.far, t.peer.id, 1, pkt, sizeof(pkt));
            d->data[0] = (uint8_t)(opcode << 3);
            d->len = len;
            CHECK_EQ(world_receive(t.fd, d, &(struct world_chain){.cut = 5}), data);
        }
    }
    CHECK_EQ(world_stacked_count(), 0);
    CHECK(user_drops(t.ifp, "rx_short") > 0);
    CHECK(user_drops(t.ifp, "rx_data_v1") > 0);
    CHECK_EQ(user_drops(t.ifp, "rx_empty"), 1);
    CHECK_EQ(user_drops(t.ifp, "rx_auth"), sizeof(pkt) - 1);
    CHECK_EQ(user_pending(t.ifp), 0);
    free(d);
    tunnel_down(&t);
}

/* Header and tag with nothing after them, from anybody: crypto is not asked, for its framework
 * asserts that a payload begins before the end, and nothing of the peer changes. */
static void
send_nothing(struct tunnel *t, int cut)
{
    struct world_datagram *d = calloc(1, sizeof(*d));

    far_address(d, "192.0.2.200", 6666, SERVER, 1194);
    far_seal(d, &t->far, t->peer.id, t->next_id, NULL, 0);
    CHECK_EQ(d->len, 24);
    CHECK(world_receive(t->fd, d, &(struct world_chain){.cut = cut}));
    d->data[23] ^= 1;
    CHECK(world_receive(t->fd, d, &(struct world_chain){.cut = cut, .shared = true}));
    free(d);
}

TEST("a packet without payload is refused unopened")
{
    for (unsigned i = 0; i < 4; i++) {
        struct tunnel t;

        tunnel_up(&t, ciphers[i]);
        world_advance(20000000);
        for (int cut = 0; cut < 8; cut++)
            send_nothing(&t, cut);
        CHECK_EQ(user_drops(t.ifp, "rx_empty"), 16);
        CHECK_EQ(t.ifp->counters[IFCOUNTER_IERRORS], 16);
        CHECK_EQ(user_pending(t.ifp), 0);
        exchange(&t, "198.51.100.1", VPN,
                 60); /* its number was not marked, nor its address taken */
        CHECK_EQ(user_pending(t.ifp), 0);
        tunnel_down(&t);
    }
}

/* With cipher none the same bytes are sixteen of payload. */
TEST("a packet of 24 bytes with cipher none is handled")
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    struct tunnel t;

    tunnel_up(&t, "none");
    far_address(d, CLIENT, 5000, SERVER, 1194);
    d->data[0] = 9 << 3;
    d->data[3] = (uint8_t)t.peer.id;
    d->data[7] = 1;
    d->len = 24;
    CHECK(world_receive(t.fd, d, NULL));
    CHECK_EQ(user_drops(t.ifp, "rx_not_ip"), 1);
    free(d);
    tunnel_down(&t);
}

/* Control packets are openvpn's, whatever their lower 24 bits happen to say. */
TEST("control packets are left to openvpn")
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    far_address(d, CLIENT, 5000, SERVER, 1194);
    d->len = 50;
    for (int opcode = 0; opcode < 32; opcode++) {
        memset(d->data, 0, 50);
        d->data[0] = (uint8_t)(opcode << 3);
        d->data[3] = (uint8_t)t.peer.id;
        CHECK_EQ(world_receive(t.fd, d, NULL), opcode == 6 || opcode == 9);
    }
    CHECK_EQ(world_so(t.fd)->control_packets, 30);
    CHECK_EQ(user_stat(t.ifp, "ctrl", "in"), 30);
    free(d);
    tunnel_down(&t);
}

TEST("every flipped bit is refused")
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    uint8_t pkt[48];
    struct tunnel t;
    unsigned bits = 0;

    tunnel_up(&t, "CHACHA20-POLY1305");
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    for (int bit = 32; bit < (24 + (int)sizeof(pkt)) * 8; bit++, bits++) {
        far_address(d, CLIENT, 6000, SERVER, 1194); /* and no float by a forged packet */
        far_seal(d, &t.far, t.peer.id, 1, pkt, sizeof(pkt));
        d->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(world_receive(t.fd, d, NULL));
    }
    CHECK_EQ(user_drops(t.ifp, "rx_auth"), bits);
    CHECK_EQ(world_stacked_count(), 0);
    CHECK_EQ(user_pending(t.ifp), 0);
    exchange(&t, "198.51.100.1", VPN, 100); /* id 1 was not marked as seen */
    free(d);
    tunnel_down(&t);
}

/* Replay protection */

static void
send_and_count(struct tunnel *t, uint32_t id, unsigned arrives)
{
    struct world_packet *p = calloc(1, sizeof(*p));
    uint8_t pkt[60];
    unsigned n = 0;

    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send_id(t, id, pkt, sizeof(pkt), NULL));
    while (world_stacked(p))
        n++;
    CHECK_EQ(n, arrives);
    free(p);
}

TEST("replay is refused by default")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    send_and_count(&t, 0, 0);
    send_and_count(&t, 5000, 1);
    send_and_count(&t, 5000, 0);
    send_and_count(&t, 5000 - 2047, 1); /* the window is 2048 wide */
    send_and_count(&t, 5000 - 2047, 0);
    send_and_count(&t, 5000 - 2048, 0);
    CHECK_EQ(user_drops(t.ifp, "rx_id_zero"), 1);
    CHECK_EQ(user_drops(t.ifp, "rx_replay"), 2);
    CHECK_EQ(user_drops(t.ifp, "rx_late"), 1);
    /* Pitfall: drops on receive counted as output errors. */
    CHECK_EQ(t.ifp->counters[IFCOUNTER_OERRORS], 0);
    CHECK_EQ(t.ifp->counters[IFCOUNTER_IERRORS], 4);
    tunnel_down(&t);
}

extern int vnet_entry_ovpn_replay_protection, vnet_entry_ovpn_async_crypto,
    vnet_entry_ovpn_netisr_queue, vnet_entry_ovpn_trust_checksums, vnet_entry_ovpn_mssfix;
#define SYSCTL(name) (*(int *)kern_vnet_var(&vnet_entry_ovpn_##name))

TEST("replay protection can be turned off")
{
    struct tunnel t;

    CHECK_EQ(SYSCTL(replay_protection), 1);
    tunnel_up(&t, "AES-256-GCM");
    SYSCTL(replay_protection) = 0;
    send_and_count(&t, 9, 1);
    send_and_count(&t, 9, 1);
    tunnel_down(&t);
}

struct dco_key;
extern struct dco_key *test_primary_key(struct ifnet *ifp, uint32_t peer);
extern uint64_t test_opened(const struct dco_key *key);

/* Nobody can use up the peer's key by sending a packet of it again and again, or his own. */
TEST("only fresh packets count as use of the key")
{
    struct user_key right;
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    send_and_count(&t, 1, 1);
    CHECK_EQ(test_opened(test_primary_key(t.ifp, 7)), 1 + 4);
    send_and_count(&t, 1, 0);
    right = t.far;
    user_key_make(&t.far, 0, "AES-256-GCM", 99);
    send_and_count(&t, 2, 0);
    CHECK_EQ(user_drops(t.ifp, "rx_auth"), 1);
    CHECK_EQ(test_opened(test_primary_key(t.ifp, 7)), 1 + 4);
    t.far = right;
    send_and_count(&t, 2, 1);
    CHECK_EQ(test_opened(test_primary_key(t.ifp, 7)), 2 * (1 + 4));
    tunnel_down(&t);
}

/* Pitfall: with cipher none the packet id was read from the wrong place. */
TEST("replay protection works with cipher none")
{
    struct tunnel t;

    tunnel_up(&t, "none");
    send_and_count(&t, 70, 1);
    send_and_count(&t, 70, 0);
    send_and_count(&t, 69, 1);
    send_and_count(&t, 69, 0);
    tunnel_down(&t);
}

/* Source addresses, and which peer */

static void
add_client(struct tunnel *t, uint32_t id, const char *vpn4, struct user_key *key)
{
    struct user_peer p = t->peer;

    p.id = id;
    p.vpn4 = vpn4;
    p.vpn6 = NULL;
    p.remote_port = (uint16_t)(5000 + id);
    CHECK_EQ(user_new_peer(t->ifp, &p), 0);
    user_key_make(key, 0, "AES-256-GCM", 100 + id);
    CHECK_EQ(user_new_key(t->ifp, id, 0, key), 0);
}

/* Pitfall: a client could speak with any address. */
TEST("a client cannot use another's address")
{
    struct user_key other;
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    inner_packet(pkt, "198.51.100.99", "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, sizeof(pkt))); /* nobody's: refused even from the only peer */
    add_client(&t, 8, "198.51.100.3", &other);
    inner_packet(pkt, "198.51.100.3", "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, sizeof(pkt)));
    inner_packet(pkt, "2001:db8:1::9", "2001:db8:1::1", sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, sizeof(pkt)));
    CHECK_EQ(world_stacked_count(), 0);
    CHECK_EQ(user_drops(t.ifp, "rx_source"), 3);
    tunnel_down(&t);
}

TEST("a network behind a client is reached")
{
    static const uint8_t lan[4] = {203, 0, 113, 0}, gateway[4] = {198, 51, 100, 2};
    static const uint8_t elsewhere[4] = {203, 0, 112, 0};
    struct user_key other;
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    add_client(&t, 8, "198.51.100.3", &other);
    world_route(AF_INET, lan, 24, t.ifp, gateway, 1428);
    inner_packet(pkt, "198.51.100.1", "203.0.113.5", sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    tunnel_expect_out(&t, pkt, sizeof(pkt));
    inner_packet(pkt, "203.0.113.5", "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, sizeof(pkt)));
    tunnel_expect_in(&t, pkt, sizeof(pkt));

    /* a route that leaves through another interface gives no right */
    world_route(AF_INET, elsewhere, 24, NULL, gateway, 1500);
    inner_packet(pkt, "203.0.112.5", "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, sizeof(pkt)));
    CHECK_EQ(user_drops(t.ifp, "rx_source"), 1);
    inner_packet(pkt, "198.51.100.1", "203.0.114.5", sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), ENETDOWN);
    CHECK_EQ(user_drops(t.ifp, "tx_no_peer"), 1);
    tunnel_down(&t);
}

/* A client whose address is outside of the pool: openvpn's own route to it names the second address
 * of the pool as its gateway, which another client has. */
TEST("the address of a client comes before routes")
{
    static const uint8_t net[4] = {203, 0, 113, 0}, gateway[4] = {198, 51, 100, 2};
    struct world_datagram *d = calloc(1, sizeof(*d));
    struct user_key other;
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    add_client(&t, 8, "203.0.113.9", &other);
    world_route(AF_INET, net, 24, t.ifp, gateway, 1428);
    inner_packet(pkt, "198.51.100.1", "203.0.113.9", sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    CHECK(world_sent(d));
    CHECK_EQ(d->dport, 5008);
    inner_packet(pkt, "203.0.113.9", "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, sizeof(pkt))); /* from the other one */
    CHECK_EQ(user_drops(t.ifp, "rx_source"), 1);
    CHECK_EQ(world_stacked_count(), 0);
    free(d);
    tunnel_down(&t);
}

/* Pitfall: with one client left, it got everybody's packets. */
TEST("the only client gets its own packets only")
{
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    inner_packet(pkt, "198.51.100.1", "198.51.100.3", sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), ENETDOWN);
    CHECK_EQ(world_sent_count(), 0);
    tunnel_down(&t);
}

/* Point to point: no VPN address was given, and the one peer gets and may send everything. */
TEST("a point-to-point tunnel carries any inner address")
{
    struct tunnel t;

    tunnel_open(&t);
    t.peer.vpn4 = t.peer.vpn6 = NULL;
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    exchange(&t, "10.0.0.1", "10.9.9.9", 100);
    exchange(&t, "2001:db8::1", "2001:db8:ffff::1", 100);
    tunnel_down(&t);
}

TEST("route to names the next hop")
{
    struct sockaddr_in hop = {.sin_len = 16, .sin_family = AF_INET};
    struct user_key other;
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    add_client(&t, 8, "198.51.100.3", &other);
    user_addr(VPN, (uint8_t *)&hop.sin_addr);
    inner_packet(pkt, "198.51.100.1", "203.0.113.77", sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, (struct sockaddr *)&hop), 0);
    tunnel_expect_out(&t, pkt, sizeof(pkt));
    tunnel_down(&t);
}

/* Address changes */

TEST("float is told once and answered")
{
    struct user_event e;
    uint8_t pkt[60], now[4] = {192, 0, 2, 77};
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    exchange(&t, "198.51.100.1", VPN, 60);
    CHECK_EQ(user_pending(t.ifp), 0);
    t.src = "192.0.2.77";
    t.peer.remote_port = 6000;
    world_advance(20000000);
    send_and_count(&t, t.next_id++, 1);
    send_and_count(&t, t.next_id++, 1);
    CHECK_EQ(user_pending(t.ifp), 1);
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.kind, OVPN_NOTIF_FLOAT);
    CHECK_EQ(e.peer, 7);
    CHECK_EQ(e.af, AF_INET);
    CHECK_EQ(e.port, 6000);
    CHECK_MEM(e.address, now, 4);
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    tunnel_expect_out(&t, pkt, sizeof(pkt));
    CHECK_EQ(user_event(t.ifp, &e), ENOENT);
    tunnel_down(&t);
}

TEST("a peer floats from IPv4 to IPv6")
{
    static const uint8_t source[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    struct world_datagram *d = calloc(1, sizeof(*d));
    struct user_event e;
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_open(&t);
    world_close(t.fd);
    t.fd = t.peer.fd = world_socket(AF_INET6, SOCK_DGRAM, NULL, 1194);
    t.peer.remote = "::ffff:192.0.2.2";
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    exchange(&t, "198.51.100.1", VPN, 60);
    world_source6 = source;
    t.src = "2001:db8::77";
    t.dst = "2001:db8::1";
    world_advance(20000000);
    send_and_count(&t, t.next_id++, 1);
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.kind, OVPN_NOTIF_FLOAT);
    CHECK_EQ(e.af, AF_INET6);
    exchange(&t, "198.51.100.1", VPN, 60);
    inner_packet(pkt, "198.51.100.1", VPN, 60);
    CHECK_EQ(world_transmit(t.ifp, pkt, 60, NULL, NULL), 0);
    CHECK(world_sent(d));
    CHECK_MEM(d->src, source, 16); /* from where it was asked, not from :: */
    free(d);
    tunnel_down(&t);
}

/* openvpn 2.6 misreads it there. */
TEST("a point-to-point tunnel tells of no float")
{
    struct user_event e;
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_open(&t);
    t.peer.vpn4 = t.peer.vpn6 = NULL;
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    t.src = "192.0.2.77";
    send_and_count(&t, 1, 1);
    CHECK_EQ(user_pending(t.ifp), 0);
    CHECK_EQ(user_event(t.ifp, &e), ENOENT);
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    tunnel_expect_out(&t, pkt, sizeof(pkt));
    tunnel_down(&t);
}

static void
expect_answer_at(struct tunnel *t, uint16_t port)
{
    uint8_t pkt[60];

    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t->ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    t->peer.remote_port = port;
    tunnel_expect_out(t, pkt, sizeof(pkt));
    CHECK_EQ(user_pending(t->ifp), 0);
}

/* From where the peer was, on the way for a while. */
TEST("late packets do not move the peer")
{
    struct user_event e;
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    send_and_count(&t, 10, 1);
    t.peer.remote_port = 6000;
    world_advance(20000000);
    send_and_count(&t, 20, 1);
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.port, 6000);
    t.peer.remote_port = 5000;
    world_advance(20000000);
    send_and_count(&t, 15, 1);
    expect_answer_at(&t, 6000);
    SYSCTL(replay_protection) = 0;
    t.peer.remote_port = 5000;
    send_and_count(&t, 14, 1);
    send_and_count(&t, 14, 1);
    expect_answer_at(&t, 6000);
    tunnel_down(&t);
}

/* The newest packet of the key before may have been withheld, to be sent from elsewhere. */
TEST("packets of the key before do not move the peer")
{
    struct user_key second, old;
    struct user_event e;
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    send_and_count(&t, 10, 1);
    user_key_make(&second, 1, "AES-256-GCM", 2);
    CHECK_EQ(user_new_key(t.ifp, 7, 1, &second), 0);
    t.peer.remote_port = 6000;
    world_advance(20000000);
    send_and_count(&t, 11, 1); /* nothing came with the new one yet */
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.port, 6000);
    old = t.far;
    t.far = user_key_mirror(&second);
    send_and_count(&t, 1, 1);
    CHECK_EQ(user_swap_keys(t.ifp, 7), 0);
    second = t.far;
    t.far = old;
    t.peer.remote_port = 5000;
    world_advance(20000000);
    send_and_count(&t, 12, 1);
    t.far = second;
    expect_answer_at(&t, 6000);
    tunnel_down(&t);
}

/* A tunnel inside itself */

static void
from_inside(struct tunnel *t, const char *src, bool moves)
{
    uint8_t pkt[60], now[16];
    struct world_datagram *d = calloc(1, sizeof(*d));
    int family = user_addr(src, now);

    t->src = src;
    world_advance(20000000);
    send_and_count(t, t->next_id++, 1); /* the packet itself is authentic and arrives */
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t->ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    CHECK(world_sent(d));
    CHECK_EQ(memcmp(d->dst, now, family == 4 ? 4 : 16) == 0, moves);
    free(d);
}

/* An address behind the tunnel itself is no place to answer at: each answer would come back into
 * the tunnel. One line in the log, and one more a minute later. */
TEST("no peer floats into the tunnel itself")
{
    static const uint8_t inside[4] = {10, 9, 0, 0}, all[4], outside[4] = {192, 0, 2, 0};
    struct user_event e;
    struct tunnel t;

    for (int many = 0; many < 2; many++) {
        tunnel_open(&t);
        if (!many)
            t.peer.vpn4 = t.peer.vpn6 = NULL;
        CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
        tunnel_key(&t, "AES-256-GCM");
        world_log_lines = 0;
        world_routes_clear();
        world_route(AF_INET, inside, 16, t.ifp, NULL, 1428);
        from_inside(&t, "10.9.1.1", false);
        from_inside(&t, "10.9.1.2", false);
        CHECK_EQ(user_event(t.ifp, &e), ENOENT);
        CHECK_EQ(world_log_lines, 1);
        world_advance(61 * 1000000000ULL);
        from_inside(&t, "10.9.1.1", false);
        CHECK_EQ(world_log_lines, 2);
        from_inside(&t, "192.0.2.77", true); /* no route at all, or another interface's */
        /* redirect-gateway: all but what has a route of its own */
        world_route(AF_INET, all, 0, t.ifp, NULL, 1428);
        world_route(AF_INET, outside, 24, NULL, NULL, 1500);
        from_inside(&t, "192.0.2.78", true);
        from_inside(&t, "203.0.113.1", false);
        tunnel_down(&t);
    }
}

TEST("no peer floats into the tunnel itself over IPv6")
{
    static const uint8_t inside[16] = {0x20, 1, 0xd, 0xb8, 0, 9}, server[16] = {0x20, 1, [15] = 1};
    struct tunnel t;

    tunnel_open(&t);
    world_close(t.fd);
    t.fd = t.peer.fd = world_socket(AF_INET6, SOCK_DGRAM, server, 1194);
    t.peer.remote = t.src = "2001:db8::2";
    t.dst = "2001::1";
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    world_route(AF_INET6, inside, 48, t.ifp, NULL, 1428);
    from_inside(&t, "2001:db8:9::1", false);
    CHECK_EQ(world_log_lines, 1);
    from_inside(&t, "2001:db8:8::1", true);
    tunnel_down(&t);
}

static void
put_ports(uint8_t *pkt, uint16_t sport, uint16_t dport)
{
    uint8_t *udp = pkt + (pkt[0] >> 4 == 4 ? 20 : 40);

    udp[0] = (uint8_t)(sport >> 8);
    udp[1] = (uint8_t)sport;
    udp[2] = (uint8_t)(dport >> 8);
    udp[3] = (uint8_t)dport;
}

static void
own_transport(struct tunnel *t, const char *here, const char *there, int back)
{
    static const uint8_t elsewhere[16] = {10, 1, 1, 1};
    struct world_datagram *d = calloc(1, sizeof(*d));
    uint64_t before = user_drops(t->ifp, "tx_loop");
    uint8_t pkt[100];

    world_log_lines = 0;
    world_advance(61 * 1000000000ULL);
    for (int i = 0; i < 100; i++) {
        inner_packet(pkt, here, there, sizeof(pkt));
        put_ports(pkt, 1194, 5000);
        CHECK_EQ(world_transmit(t->ifp, pkt, sizeof(pkt), NULL, NULL), ELOOP);
    }
    CHECK_EQ(user_drops(t->ifp, "tx_loop"), before + 100);
    CHECK_EQ(world_sent_count(), 0);
    CHECK_EQ(world_log_lines, 1);

    /* all that is a little different is somebody else's; the tunnel's own datagram may come back */
    put_ports(pkt, 1195, 5000);
    CHECK_EQ(world_transmit(t->ifp, pkt, sizeof(pkt), NULL, NULL), back);
    put_ports(pkt, 1194, 5001);
    CHECK_EQ(world_transmit(t->ifp, pkt, sizeof(pkt), NULL, NULL), back);
    put_ports(pkt, 1194, 5000);
    pkt[pkt[0] >> 4 == 4 ? 9 : 6] = IPPROTO_TCP;
    CHECK_EQ(world_transmit(t->ifp, pkt, sizeof(pkt), NULL, NULL), back);
    pkt[pkt[0] >> 4 == 4 ? 9 : 6] = IPPROTO_UDP;
    if (t->peer.local == NULL && pkt[0] >> 4 == 4) { /* of a host behind this one */
        memcpy(pkt + 12, elsewhere, 4);
        world_not_ours = elsewhere;
        CHECK_EQ(world_transmit(t->ifp, pkt, sizeof(pkt), NULL, NULL), back);
        world_not_ours = NULL;
    }
    while (world_sent(d))
        ;
    free(d);
}

TEST("its own transport is dropped")
{
    static const uint8_t server[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    static const uint8_t net[4] = {192, 0, 2, 0}, gateway[4] = {198, 51, 100, 2};
    struct tunnel t;

    tunnel_open(&t); /* point to point: a default route is enough */
    t.peer.vpn4 = t.peer.vpn6 = NULL;
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    own_transport(&t, SERVER, CLIENT, 0);
    tunnel_down(&t);

    tunnel_up(&t, "AES-256-GCM"); /* many: a route by the peer to the peer */
    world_route(AF_INET, net, 24, t.ifp, gateway, 1428);
    own_transport(&t, SERVER, CLIENT, ELOOP);
    tunnel_down(&t);

    tunnel_open(&t);
    world_close(t.fd);
    t.fd = t.peer.fd = world_socket(AF_INET6, SOCK_DGRAM, server, 1194);
    t.peer.remote = "2001:db8::2";
    t.peer.vpn4 = t.peer.vpn6 = NULL;
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    own_transport(&t, "2001:db8::1", "2001:db8::2", 0);
    tunnel_down(&t);
}

/* A wide iroute gives a client the networks behind it, not those that this host reaches otherwise,
 * nor this host's own addresses: what counts is where an answer would go. */
TEST("a wide route to a client is not every route")
{
    static const uint8_t all[16], lan[16] = {192, 168, 1, 0}, own[16] = {192, 168, 1, 1},
                                  own_vpn[16] = {198, 51, 100, 1};
    static const uint8_t lan6[16] = {0x20, 1, 0xd, 0xb8, 0, 7}, gateway[4] = {198, 51, 100, 2},
                         gateway6[16] = {0x20, 1, 0xd, 0xb8, 0, 1, [15] = 2};
    static const char *const ours[] = {"192.168.1.1", "192.168.1.77", "198.51.100.1",
                                       "2001:db8:7::5"};
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    world_route(AF_INET, all, 0, t.ifp, gateway, 1428);
    world_route(AF_INET6, all, 0, t.ifp, gateway6, 1428);
    world_route(AF_INET, lan, 24, NULL, NULL, 1500);
    world_route(AF_INET6, lan6, 48, NULL, NULL, 1500);
    world_route(AF_INET, own, 32, NULL, NULL, 16384); /* by the loopback interface */
    world_route(AF_INET, own_vpn, 32, NULL, NULL, 16384);
    for (unsigned i = 0; i < nitems(ours); i++) {
        bool v6 = strchr(ours[i], ':') != NULL;

        inner_packet(pkt, ours[i], v6 ? "2001:db8:1::1" : "198.51.100.1", sizeof(pkt));
        CHECK(tunnel_send(&t, pkt, sizeof(pkt)));
        CHECK_EQ(user_drops(t.ifp, "rx_source"), i + 1);
        CHECK_EQ(world_stacked_count(), 0);
    }
    inner_packet(pkt, "203.0.113.9", "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, sizeof(pkt)));
    tunnel_expect_in(&t, pkt, sizeof(pkt));
    inner_packet(pkt, "2001:db8:99::9", "2001:db8:1::1", sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, sizeof(pkt)));
    tunnel_expect_in(&t, pkt, sizeof(pkt));
    tunnel_down(&t);
}

/* Multihome: the answer comes from the address that was asked. */
TEST("multihome answers from where it was asked")
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    uint8_t pkt[60], given[4] = {192, 0, 2, 10}, asked[4] = {192, 0, 2, 11};
    struct tunnel t;

    tunnel_open(&t);
    t.peer.local = "192.0.2.10";
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    CHECK(world_sent(d));
    CHECK_MEM(d->src, given, 4);
    t.dst = "192.0.2.11";
    send_and_count(&t, 1, 1);
    CHECK_EQ(user_pending(t.ifp), 0); /* ours changed, not theirs */
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    CHECK(world_sent(d));
    CHECK_MEM(d->src, asked, 4);
    free(d);
    tunnel_down(&t);
}

/* Without multihome the routing table chooses, also when the peer has spoken to some address. */
TEST("single homed leaves the source open")
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    static const uint8_t any[4];
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    send_and_count(&t, 1, 1);
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    CHECK(world_sent(d));
    CHECK_MEM(d->src, any, 4);
    free(d);
    tunnel_down(&t);
}

/* What is not an inner packet */

TEST("keepalive is swallowed")
{
    static const uint8_t ping[16] = {0x2a, 0x18, 0x7b, 0xf3, 0x64, 0x1e, 0xb4, 0xcb,
                                     0x07, 0xed, 0x2d, 0x0a, 0x98, 0x1f, 0xc7, 0x48};
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK(tunnel_send(&t, ping, sizeof(ping)));
    CHECK_EQ(world_stacked_count(), 0);
    CHECK_EQ(t.ifp->counters[IFCOUNTER_IERRORS], 0);
    CHECK_EQ(t.ifp->counters[IFCOUNTER_IPACKETS], 0);
    tunnel_down(&t);
}

TEST("odd payloads are counted drops")
{
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK(tunnel_send(&t, pkt, 0));
    CHECK_EQ(user_drops(t.ifp, "rx_empty"), 1);
    memset(pkt, 0, sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, 1));
    CHECK(tunnel_send(&t, pkt, 60));
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, 19)); /* cut short */
    CHECK(tunnel_send(&t, pkt, 59));
    CHECK_EQ(user_drops(t.ifp, "rx_not_ip"), 4);
    CHECK_EQ(world_stacked_count(), 0);
    tunnel_down(&t);
}

TEST("a peer of an older version leaves, and other messages of it are counted drops")
{
    static const uint8_t magic[16] = {0x28, 0x7f, 0x34, 0x6b, 0xd4, 0xef, 0x7a, 0x81,
                                      0x2d, 0x56, 0xb8, 0xd3, 0xaf, 0xc5, 0x45, 0x9c};
    uint8_t message[60] = {0};
    struct user_event e;
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_set_peer(t.ifp, t.peer.id, 0, 60), 0);
    memcpy(message, magic, sizeof(magic));
    message[16] = 2; /* for mtu-test */
    CHECK(tunnel_send(&t, message, 19));
    CHECK_EQ(user_drops(t.ifp, "rx_occ"), 1);
    CHECK(tunnel_send(&t, message, 16)); /* cut short */
    CHECK_EQ(user_drops(t.ifp, "rx_not_ip"), 1);
    CHECK_EQ(user_event(t.ifp, &e), ENOENT);
    message[16] = 6;
    CHECK(tunnel_send(&t, message, 17));
    CHECK_EQ(user_event(t.ifp, &e), 0);
    CHECK_EQ(e.kind, OVPN_NOTIF_DEL_PEER);
    CHECK_EQ(e.reason, OVPN_DEL_REASON_TIMEOUT);
    CHECK_EQ(e.peer, t.peer.id);
    CHECK_EQ(t.ifp->counters[IFCOUNTER_IERRORS], 2);
    tunnel_down(&t);
}

TEST("the stack may send odd packets")
{
    static const uint8_t client[4] = {192, 0, 2, 2}, gateway[4] = {198, 51, 100, 2};
    static uint8_t big[66000];
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    memset(pkt, 0, sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, 60, NULL, NULL), EAFNOSUPPORT);
    CHECK_EQ(world_transmit(t.ifp, pkt, 1, NULL, NULL), EAFNOSUPPORT);
    CHECK_EQ(world_transmit(t.ifp, pkt, 0, NULL, NULL), EAFNOSUPPORT);
    exchange(&t, "198.51.100.1", VPN, 65483); /* the largest MTU */
    CHECK_EQ(world_transmit(t.ifp, big, 65484, NULL, NULL), EMSGSIZE);
    inner_packet(big, "198.51.100.1", VPN, 1500);
    /* Pitfall: longer than the MTU was an assertion. */
    CHECK_EQ(world_transmit(t.ifp, big, 1500, NULL, NULL), 0);
    tunnel_expect_out(&t, big, 1500);
    world_route(AF_INET, client, 32, t.ifp, gateway,
                1500); /* the way to the peer: its own tunnel */
    CHECK_EQ(world_transmit(t.ifp, big, 1500, NULL, NULL), ELOOP);
    CHECK_EQ(world_sent_count(), 0);
    CHECK_EQ(user_drops(t.ifp, "tx_not_ip"), 3);
    CHECK_EQ(user_drops(t.ifp, "tx_too_big"), 1);
    CHECK_EQ(user_drops(t.ifp, "tx_loop"), 1);
    CHECK_EQ(t.ifp->counters[IFCOUNTER_OERRORS], 5);
    tunnel_down(&t);
}

TEST("nothing is sent before start or without a key")
{
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_open(&t);
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), ENETDOWN);
    CHECK_EQ(user_start(t.ifp), 0);
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), ENETDOWN);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), ENOLINK);
    CHECK_EQ(user_drops(t.ifp, "tx_down"), 1);
    CHECK_EQ(user_drops(t.ifp, "tx_no_peer"), 1);
    CHECK_EQ(user_drops(t.ifp, "tx_no_key"), 1);
    tunnel_down(&t);
}

/* Failures of the network below are drops with a reason, and the caller hears of them. */
TEST("errors of output are counted")
{
    static const struct {
        int error;
        const char *reason;
    } table[] = {
        {ENOBUFS, "tx_no_buffer"},    {EHOSTUNREACH, "tx_unreachable"},
        {ENETDOWN, "tx_unreachable"}, {EMSGSIZE, "tx_too_big"},
        {EPERM, "tx_error"},
    };
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "none");
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    for (unsigned i = 0; i < nitems(table); i++) {
        uint64_t before = user_drops(t.ifp, table[i].reason);

        world_output_error = table[i].error;
        CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), table[i].error);
        CHECK_EQ(user_drops(t.ifp, table[i].reason), before + 1);
    }
    world_output_error = ELOOP; /* the other tunnel has counted it */
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), ELOOP);
    CHECK_EQ(t.ifp->counters[IFCOUNTER_OERRORS], nitems(table));
    tunnel_down(&t);
}

/* Keys */

/* Pitfall: an empty slot matched key id 0. */
TEST("an empty slot has no key id")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_del_key(t.ifp, 7, 0), 0);
    send_and_count(&t, 1, 0);
    CHECK_EQ(user_drops(t.ifp, "rx_no_key"), 1);
    tunnel_down(&t);
}

TEST("rekey loses nothing")
{
    struct user_key second, old;
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    exchange(&t, "198.51.100.1", VPN, 60);
    user_key_make(&second, 1, "AES-128-GCM", 2);
    CHECK_EQ(user_new_key(t.ifp, 7, 1, &second), 0);
    exchange(&t, "198.51.100.1", VPN, 60); /* still the first */
    old = t.far;
    t.far = user_key_mirror(&second);
    send_and_count(&t, 1, 1); /* the far end is ahead */
    CHECK_EQ(user_swap_keys(t.ifp, 7), 0);
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    CHECK_EQ(tunnel_expect_out(&t, pkt, sizeof(pkt)), 1);
    second = t.far;
    t.far = old;
    send_and_count(&t, 50, 1); /* the lame duck */
    CHECK_EQ(user_del_key(t.ifp, 7, 1), 0);
    send_and_count(&t, 51, 1); /* one that was on its way */
    world_advance(OLD_KEY_NS);
    send_and_count(&t, 52, 0);
    t.far = second;
    send_and_count(&t, 2, 1);
    tunnel_down(&t);
}

/* MSS */

TEST("mss is clamped both ways")
{
    static const uint8_t net[4] = {192, 0, 2, 0};
    struct world_packet *p = calloc(1, sizeof(*p));
    struct world_datagram *d = calloc(1, sizeof(*d));
    uint8_t pkt[100], plain[2000];
    uint32_t id;
    int len;
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    world_route(AF_INET, net, 24, NULL, NULL, 1500);
    for (int cut = 0; cut < 64; cut++) {
        len = inner_syn(pkt, "198.51.100.1", VPN, 1460);
        CHECK_EQ(world_transmit(t.ifp, pkt, len, &(struct world_chain){.cut = cut}, NULL), 0);
        CHECK(world_sent(d));
        CHECK_EQ(far_open(d, &t.far, &id, plain), len);
        CHECK_EQ(inner_mss(plain), 1500 - 20 - 8 - 24 - 40);
        CHECK(inner_tcp_checksum_ok(plain, len));
    }
    len = inner_syn(pkt, VPN6, "2001:db8:1::1", 1440);
    CHECK(tunnel_send(&t, pkt, len));
    CHECK(world_stacked(p));
    CHECK_EQ(inner_mss(p->data), 1500 - 20 - 8 - 24 - 60);
    CHECK(inner_tcp_checksum_ok(p->data, len));

    SYSCTL(mssfix) = 1240;
    len = inner_syn(pkt, VPN, "198.51.100.1", 1460);
    CHECK(tunnel_send(&t, pkt, len));
    CHECK(world_stacked(p));
    CHECK_EQ(inner_mss(p->data), 1200);
    SYSCTL(mssfix) = 0;
    CHECK(tunnel_send(&t, pkt, len));
    CHECK(world_stacked(p));
    CHECK_EQ(inner_mss(p->data), 1460);
    free(p);
    free(d);
    tunnel_down(&t);
}

/* Counters and taps */

TEST("counters agree")
{
    uint8_t pkt[500];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    for (int i = 0; i < 10; i++)
        exchange(&t, "198.51.100.1", VPN, 500);
    inner_packet(pkt, "198.51.100.1", VPN, 500);
    CHECK_EQ(user_stat(t.ifp, "data", "in"), 10);
    CHECK_EQ(user_stat(t.ifp, "data", "out"), 10);
    CHECK_EQ(user_stat(t.ifp, "tunnel", "in"), 5000);
    CHECK_EQ(user_stat(t.ifp, "tunnel", "out"), 5000);
    CHECK_EQ(user_stat(t.ifp, "transport", "in"), 10 * (500 + 24 + 8));
    CHECK_EQ(user_stat(t.ifp, "transport", "out"), 10 * (500 + 24 + 8));
    CHECK_EQ(t.ifp->counters[IFCOUNTER_IPACKETS], 10);
    CHECK_EQ(t.ifp->counters[IFCOUNTER_OPACKETS], 10);
    CHECK_EQ(t.ifp->counters[IFCOUNTER_IBYTES], 5000);
    CHECK_EQ(t.ifp->counters[IFCOUNTER_OBYTES], 5000);
    CHECK_EQ(t.ifp->tapped, 20);
    tunnel_down(&t);
}

TEST("netisr queue and async crypto are honoured")
{
    struct world_packet *p = calloc(1, sizeof(*p));
    uint8_t pkt[60];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    SYSCTL(netisr_queue) = 1;
    SYSCTL(async_crypto) = 1;
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, sizeof(pkt)));
    CHECK(world_stacked(p));
    CHECK(p->queued);
    CHECK_EQ(world_async_dispatches, 1);
    free(p);
    tunnel_down(&t);
}

/* Whatever was declared about the outer packet, it says nothing of the inner one. */
TEST("checksums of authentic packets are trusted")
{
    struct world_packet *p = calloc(1, sizeof(*p));
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    for (int v6 = 0; v6 < 2; v6++) {
        inner_packet(pkt, v6 ? VPN6 : VPN, v6 ? "2001:db8:1::1" : "198.51.100.1", sizeof(pkt));
        for (int trust = 1; trust >= 0; trust--) {
            SYSCTL(trust_checksums) = trust;
            CHECK(tunnel_send(&t, pkt, sizeof(pkt)));
            CHECK(world_stacked(p));
            CHECK_EQ(p->verified, trust);
        }
    }
    free(p);
    tunnel_down(&t);
}

/* A packet sent to a broadcast address of ours teaches no local address, and the inner packet does
 * not look like a broadcast. */
TEST("a packet to a broadcast address is no reason to answer from it")
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    static const uint8_t broadcast[4] = {192, 0, 2, 255};
    uint8_t pkt[60], given[4] = {192, 0, 2, 10};
    struct tunnel t;

    tunnel_open(&t);
    t.peer.local = "192.0.2.10";
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    t.dst = "192.0.2.255";
    CHECK(tunnel_send_id(&t, 1, pkt, sizeof(pkt), &(struct world_chain){.flags = M_BCAST}));
    tunnel_expect_in(&t, pkt, sizeof(pkt));
    world_not_ours = broadcast; /* in a frame to this host alone, which has no such flag */
    CHECK(tunnel_send_id(&t, 2, pkt, sizeof(pkt), NULL));
    tunnel_expect_in(&t, pkt, sizeof(pkt));
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    CHECK(world_sent(d));
    CHECK_MEM(d->src, given, 4);
    free(d);
    tunnel_down(&t);
}
