/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tunnel inside itself: the plane recognises packets from the device that are its own transport.
 * First with packets made by hand, then in a real plane, where a client's inner datagram to the
 * server's own port holds a newer data packet of that client. If this failed, one packet would keep
 * the machine busy for ever, or tunnels within tunnels would not work.
 */
#include "linux/plane/recursion.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addresses.h"
#include "bare_dev.h"
#include "core/peers_private.h"
#include "harness.h"
#include "linux/crypto/aead.h"
#include "linux/plane/plane.h"
#include "linux/plane/port_private.h"
#include "linux/plane/stream_private.h"
#include "linux/sys/clock.h"
#include "packets.h"

#define SECOND 1000000000ULL
#define PORT   1194 /* ours */

/* Packets by hand */

static struct plane_port port = {.refs = 1000}; /* never freed */
static struct plane_dev *hand;

/* Peer n: 10.8.0.n, reached at `remote`, whose packets carry id 100 + n. */
static struct dco_peer *
hand_peer(uint32_t n, struct dco_ip remote, uint16_t remote_port)
{
    struct dco_peer_new req = {.id = n, .tx_id = 100 + n, .transport = &port};

    req.vpn4 = ip4(10, 8, 0, (uint8_t)n);
    req.path.remote.ip = remote;
    req.path.remote.port = htons(remote_port);
    CHECK_EQ(dco_control_peer_new(hand->peers, &req, SECOND), 0);
    return hand->mode == DCO_MODE_P2P ? hand->peers->only : dco_peers_by_id(hand->peers, n);
}

static void
hand_begin(enum dco_mode mode)
{
    hand = bare_dev_new("hand0", mode, 0);
    port.way.port = htons(PORT);
}

/* A UDP packet to an end point whose payload begins with word. */
struct udp {
    struct dco_ip dst;
    uint16_t sport, dport;
    uint32_t word;
    uint32_t payload;
};

static uint8_t pkt[4096];

static void
write_udp(const struct udp *u, struct dco_inner *inner)
{
    struct rng rng = test_rng();
    struct packet p = packet_make(u->dst.family, DCO_PROTO_UDP, u->payload);
    uint32_t len, hdr = u->dst.family == 4 ? 20 : 40;

    p.sport = u->sport;
    p.dport = u->dport;
    len = packet_write(&p, pkt, &rng);
    memcpy(pkt + (u->dst.family == 4 ? 16 : 24), u->dst.addr, u->dst.family == 4 ? 4 : 16);
    if (u->payload >= 4)
        dco_write32(pkt + hdr + 8, u->word);
    CHECK(dco_inner_parse(pkt, len, inner));
}

static bool
found(struct dco_peer *carrier, const struct udp *u, uint64_t now)
{
    struct dco_inner inner;

    write_udp(u, &inner);
    return recursion_suspected(&inner, false) && recursion_found(hand, carrier, pkt, &inner, now);
}

#define DATA(id) (0x48000000U | 3U << 24 | (id)) /* a data packet's first word, key 3 */

static void
own_transport(enum dco_mode mode, struct dco_ip remote)
{
    struct udp u = {.dst = remote, .sport = PORT, .dport = 4000, .word = 0x38000000, .payload = 60};
    struct dco_peer *peer;

    hand_begin(mode);
    peer = hand_peer(1, remote, 4000);
    CHECK(found(peer, &u, SECOND)); /* whatever is in it: control packets, too */
    u.payload = 0;
    CHECK(found(peer, &u, SECOND));
    u.payload = 60;
    u.sport = 1195; /* another program's */
    CHECK(!found(peer, &u, SECOND));
    u.word = DATA(101); /* ours, with another port */
    CHECK(found(peer, &u, SECOND));
    u.word = DATA(102); /* a tunnel of somebody behind us to the same port */
    CHECK(!found(peer, &u, SECOND));
    u.word = DATA(101);
    u.payload = 3;
    CHECK(!found(peer, &u, SECOND));
    u.payload = 60;
    u.dport = 4001; /* elsewhere */
    u.sport = PORT;
    CHECK(!found(peer, &u, SECOND));
    u.dport = 4000;
    u.dst.addr[3] ^= 1;
    CHECK(!found(peer, &u, SECOND));
    bare_dev_free(hand);
}

TEST("packets of our own transport are recognised")
{
    own_transport(DCO_MODE_MP, ip4(192, 0, 2, 1));
    own_transport(DCO_MODE_MP, ip6(1));
    own_transport(DCO_MODE_P2P, ip4(192, 0, 2, 1));
    own_transport(DCO_MODE_P2P, ip6(1));
}

/* A TCP segment from our port to where the peer's connection comes from. */
TEST("segments of the peer's own connection are recognised")
{
    struct stream stream = {.port = {.refs = 1000, .stream = &stream}};
    struct dco_peer_new req = {.id = 1, .tx_id = 1, .transport = &stream.port};
    struct rng rng = test_rng();
    struct packet p = packet_make(4, DCO_PROTO_TCP, 100);
    struct dco_inner inner;
    struct dco_peer *peer;

    hand_begin(DCO_MODE_P2P);
    stream.port.way.port = htons(PORT);
    stream.remote = (struct dco_endpoint){.ip = ip4(192, 0, 2, 1), .port = htons(4000)};
    CHECK_EQ(dco_control_peer_new(hand->peers, &req, SECOND), 0);
    peer = hand->peers->only;
    for (unsigned i = 0; i < 4; i++) {
        p.sport = i == 1 ? PORT + 1 : PORT;
        p.dport = i == 2 ? 4001 : 4000;
        CHECK(packet_write(&p, pkt, &rng) > 0);
        memcpy(pkt + 16, i == 3 ? ip4(192, 0, 2, 2).addr : ip4(192, 0, 2, 1).addr, 4);
        CHECK(dco_inner_parse(pkt, 20 + 20 + 100, &inner));
        CHECK_THAT((recursion_suspected(&inner, true) &&
                    recursion_found(hand, peer, pkt, &inner, SECOND)) == (i == 0),
                   "case %u", i);
    }
    bare_dev_free(hand);
}

/* Undefined ids are everybody's. */
TEST("recursion: undefined peer ids")
{
    struct udp u = {ip4(192, 0, 2, 1), 1195, 4000, DATA(DCO_PEER_ID_UNDEF), 60};
    struct dco_peer *peer;

    hand_begin(DCO_MODE_P2P);
    peer = hand_peer(1, u.dst, 4000);
    peer->tx_id = DCO_PEER_ID_UNDEF;
    CHECK(!found(peer, &u, SECOND));
    bare_dev_free(hand);
}

TEST("fragments and other protocols are carried")
{
    struct udp u = {ip4(192, 0, 2, 1), PORT, 4000, 0, 60};
    struct dco_inner inner;
    struct dco_peer *peer;

    hand_begin(DCO_MODE_MP);
    peer = hand_peer(1, u.dst, 4000);
    write_udp(&u, &inner);
    pkt[9] = DCO_PROTO_TCP;
    CHECK(dco_inner_parse(pkt, inner.total, &inner) && !recursion_suspected(&inner, false));
    pkt[9] = DCO_PROTO_UDP;
    dco_write16(pkt + 6, 0x2000); /* the first fragment has the ports */
    CHECK(dco_inner_parse(pkt, inner.total, &inner) && recursion_suspected(&inner, false));
    CHECK(recursion_found(hand, peer, pkt, &inner, SECOND));
    dco_write16(pkt + 6, 0x2001); /* another one has not */
    CHECK(dco_inner_parse(pkt, inner.total, &inner));
    CHECK(!recursion_found(hand, peer, pkt, &inner, SECOND));
    bare_dev_free(hand);
}

/* A packet to peer `to` goes round as the kernel would send it; `behind[n]`: by which peer the
 * route to peer n's remote leads, 0: not by the device. How many packets are sent before it ends.
 */
static unsigned
goes_round(struct dco_peer **peers, const uint8_t *behind, unsigned to, uint64_t now)
{
    unsigned sent = 0;

    while (sent < 1000) {
        struct dco_path path;
        struct udp u = {.sport = PORT, .dport = 4000, .payload = 100};

        sent++; /* sealed for `to`, and on its way to its remote */
        if (behind[to] == 0)
            break;
        dco_peer_path(peers[to], &path);
        u.dst = path.remote.ip;
        u.word = DATA(100 + to);
        if (found(peers[behind[to]], &u, now + sent))
            break;
        to = behind[to];
    }
    return sent;
}

TEST("recursion: peers behind peers")
{
    const uint8_t plain[4] = {0, 0, 1, 0}, mutual[4] = {0, 2, 1, 0}, ring[4] = {0, 2, 3, 1};
    struct dco_peer *peers[4] = {NULL};
    uint64_t now = SECOND;

    hand_begin(DCO_MODE_MP);
    for (uint8_t n = 1; n <= 3; n++)
        peers[n] = hand_peer(n, ip4(192, 0, 2, n), 4000);
    for (unsigned i = 0; i < 100; i++, now += SECOND / 50) /* 2 behind 1: each time both are sent */
        CHECK_EQ(goes_round(peers, plain, 2, now), 2);
    now += 2 * SECOND;
    for (unsigned i = 0; i < 100; i++, now += SECOND / 50)
        CHECK(goes_round(peers, mutual, 1 + i % 2, now) <= 3);
    now += 2 * SECOND; /* however long it lasts, one packet goes round once */
    for (unsigned i = 0; i < 100; i++, now += 3 * SECOND)
        CHECK(goes_round(peers, ring, 1 + i % 3, now) <= 4);
    now += 2 * SECOND; /* and when they stand apart again, it works again */
    CHECK_EQ(goes_round(peers, plain, 2, now), 2);
    bare_dev_free(hand);
}

/* A real plane */

static struct plane_dev *dev;
static struct plane_port *sock;
static struct sockaddr_in plane_addr, client_addr;
static int client = -1;
static struct aead *theirs;
static const uint8_t to_client[32] = {1}, to_server[32] = {2}, tail[8] = {3};

static int
bound(struct sockaddr_in *in, uint32_t address)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(*in);

    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    CHECK(bind(fd, (struct sockaddr *)in, sizeof(*in)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)in, &len) == 0);
    return fd;
}

static void
real_key(void)
{
    struct dco_key_new req = {.peer_id = 5,
                              .cipher = DCO_CIPHER_AES_GCM,
                              .key_len = 32,
                              .tx_key = to_client,
                              .tx_tail = tail,
                              .rx_tail = tail};

    req.crypto =
        aead_new(DCO_CIPHER_AES_GCM, to_client, to_server, 32, tail, tail, plane_key_threads());
    CHECK_EQ(dco_control_key_new(dev->peers, &req, clock_now_ns()), 0);
    theirs = aead_new(DCO_CIPHER_AES_GCM, to_server, to_client, 32, tail, tail, 1);
}

/* A server at 10.9.0.1 with client 10.9.0.5, which is a socket of ours. */
static bool
real_ready(void)
{
    struct settings settings = {.workers = 1};
    struct dco_peer_new req = {.id = 5, .tx_id = 105};
    int pair[2];

    if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
        return false;
    CHECK(system("ip link set lo up") == 0);
    plane_configure(&settings);
    CHECK(plane_prepare() == 0);
    CHECK(plane_dev_new("rc0", DCO_MODE_MP, &dev) == 0);
    CHECK(system("ip addr add 10.9.0.1/24 dev rc0 && ip link set rc0 up") == 0);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK(plane_port_new(bound(&plane_addr, INADDR_ANY), false, &sock) == 0);
    CHECK(plane_port_open(sock, pair[0]) == 0);
    client = bound(&client_addr, INADDR_LOOPBACK);
    CHECK(plane_port_bind_dev(sock, dev) == 0);
    req.vpn4 = ip4(10, 9, 0, 5);
    req.path.remote.ip = ip4(127, 0, 0, 1);
    req.path.remote.port = client_addr.sin_port;
    req.transport = plane_port_get(sock);
    CHECK_EQ(dco_control_peer_new(dev->peers, &req, clock_now_ns()), 0);
    real_key();
    return true;
}

static uint32_t
seal(uint32_t id, const uint8_t *inner, uint32_t len, uint8_t *out)
{
    struct aead_op op = {.pkt = out, .in = inner, .len = len};

    dco_wire_write_hdr(out, 0, 5, id);
    aead_seal(theirs, 0, &op, 1);
    CHECK(op.ok);
    return len + DCO_OVERHEAD;
}

static void
client_sends(const uint8_t *data, uint32_t len)
{
    struct sockaddr_in to = plane_addr;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(sendto(client, data, len, 0, (struct sockaddr *)&to, sizeof(to)), len);
}

/* An inner datagram of the client's to the server's own port. */
static uint32_t
wrap(const uint8_t *data, uint32_t len, uint8_t *out)
{
    struct rng rng = test_rng();
    struct packet p = packet_make(4, DCO_PROTO_UDP, len);
    uint32_t total;

    p.sport = 7777;
    p.dport = ntohs(plane_addr.sin_port);
    total = packet_write(&p, out, &rng);
    memcpy(out + 12, ip4(10, 9, 0, 5).addr, 4);
    memcpy(out + 16, ip4(10, 9, 0, 1).addr, 4);
    memcpy(out + 28, data, len);
    packet_fix_checksums(out, total);
    return total;
}

static uint64_t
received(void)
{
    struct dco_peer_info info;

    CHECK_EQ(dco_control_peer_get(dev->peers, 5, &info), 0);
    return info.stats.link_rx_packets;
}

static uint64_t
recursive_drops(void)
{
    struct dco_drops drops;

    plane_dev_drops(dev, &drops);
    return drops.count[DCO_DROP_TX_RECURSIVE];
}

/* Housekeeping learns of a new route a moment after ip(8) has ended. */
static void
wait_for_route(void)
{
    uint64_t end = clock_now_ns() + 30 * SECOND;

    while (recursive_drops() == 0 && clock_now_ns() < end)
        CHECK(system("ping -c 1 -W 1 10.9.0.5 >/dev/null; true") == 0);
}

TEST("recursion: a client that would move into itself")
{
    uint8_t keepalive[64], inner[256], outer[256];
    struct dco_peer_info info;
    uint64_t end, before;

    if (!real_ready())
        test_skip("no network namespace or no /dev/net/tun");
    seal(1000, dco_keepalive_payload, DCO_KEEPALIVE_LEN, keepalive);
    client_sends(outer,
                 seal(1, inner, wrap(keepalive, DCO_OVERHEAD + DCO_KEEPALIVE_LEN, inner), outer));
    for (end = clock_now_ns() + 10 * SECOND; received() < 2 && clock_now_ns() < end;)
        usleep(10000);
    CHECK_EQ((long long)received(), 2); /* the second came through the tunnel */
    usleep(50000);
    CHECK_EQ(dco_control_peer_get(dev->peers, 5, &info), 0);
    CHECK_EQ(info.path.remote.port, client_addr.sin_port);
    CHECK_EQ(info.path.remote.ip.addr[0], 127);

    /* Where it was moved all the same, what comes back is not sent. */
    CHECK(system("ip route add 192.0.2.9 via 10.9.0.5 dev rc0") == 0);
    {
        struct dco_path path = {.remote = info.path.remote};

        path.remote.ip = ip4(192, 0, 2, 9);
        CHECK(
            dco_peers_seen_from(dev->peers, dco_peers_by_id(dev->peers, 5), &path, clock_now_ns()));
    }
    wait_for_route();
    before = recursive_drops();
    CHECK(system("ping -c 3 -i 0.2 -W 1 10.9.0.5 >/dev/null; true") == 0);
    for (end = clock_now_ns() + 10 * SECOND;
         recursive_drops() < before + 3 && clock_now_ns() < end;)
        usleep(10000);
    CHECK(recursive_drops() >= before + 3 && recursive_drops() < before + 20);
    aead_free(theirs);
    plane_shutdown();
    plane_port_close(sock);
    plane_port_put(sock);
    close(client);
}
