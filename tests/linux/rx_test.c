/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real plane ignores forged and repeated packets in its counters, and only the newest packet of
 * the newest key moves its peer. If this failed, a stranger could falsify a client's bill, or
 * divert its packets.
 */
#include <arpa/inet.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addresses.h"
#include "core/keys_private.h"
#include "harness.h"
#include "linux/crypto/aead.h"
#include "linux/plane/dev_private.h"
#include "linux/plane/float_nat.h"
#include "linux/plane/plane.h"
#include "linux/plane/port_private.h"
#include "linux/plane/workers.h"
#include "linux/sys/clock.h"

#define SECOND 1000000000ULL
#define INNER  100U /* bytes */

static struct plane_dev *dev;
static struct plane_port *sock;
static struct sockaddr_in plane_addr;
static int here = -1, elsewhere = -1; /* sockets of the far end */
static struct aead *far_key[2];
static int openvpn_end = -1; /* where openvpn would read its control packets */

static int
bound(struct sockaddr_in *in, uint32_t address)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    socklen_t len = sizeof(*in);

    *in = (struct sockaddr_in){.sin_family = AF_INET};
    in->sin_addr.s_addr = htonl(address);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) == 0);
    CHECK(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0); /* --multihome */
    CHECK(bind(fd, (struct sockaddr *)in, sizeof(*in)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)in, &len) == 0);
    return fd;
}

static uint16_t
port_of(int fd)
{
    struct sockaddr_in in = {0};
    socklen_t len = sizeof(in);

    CHECK(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
    return in.sin_port;
}

static bool
ready(void)
{
    static int state = -1;
    struct settings settings = {.workers = 2};
    struct sockaddr_in in;
    int pair[2];

    if (state >= 0)
        return state;
    state = 0;
    if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
        return false;
    CHECK(system("ip link set lo up") == 0);
    plane_configure(&settings);
    CHECK(plane_prepare() == 0);
    CHECK(plane_dev_new("rx0", DCO_MODE_MP, &dev) == 0);
    CHECK(system("ip addr add 10.9.0.254/24 dev rx0 && ip link set rx0 up") == 0);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK(plane_port_new(bound(&plane_addr, INADDR_ANY), false, &sock) == 0);
    CHECK(plane_port_open(sock, pair[0]) == 0);
    openvpn_end = pair[1];
    CHECK(plane_port_bind_dev(sock, dev) == 0);
    plane_addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    here = bound(&in, INADDR_LOOPBACK);
    elsewhere = bound(&in, INADDR_LOOPBACK);
    state = 1;
    return true;
}

#define NEED_PLANE                                                                                 \
    if (!ready())                                                                                  \
        test_skip("no network namespace or no /dev/net/tun");

/* A peer and its keys */

static void
peer_add(uint32_t id)
{
    struct dco_peer_new req = {.id = id, .tx_id = id, .transport = plane_port_get(sock)};

    req.vpn4 = ip4(10, 9, 0, (uint8_t)id);
    req.path.remote.ip = ip4(127, 0, 0, 1);
    req.path.remote.port = port_of(here);
    CHECK_EQ(dco_control_peer_new(dev->peers, &req, clock_now_ns()), 0);
}

/* Key number of the peer, 0 or 1, of which far_key[number] is the far end. */
static void
key_add(uint32_t id, uint8_t number)
{
    uint8_t out[32] = {1, (uint8_t)id, number}, in[32] = {2, (uint8_t)id, number};
    uint8_t tail[8] = {3};
    struct dco_key_new req = {.peer_id = id,
                              .slot = number == 0 ? DCO_SLOT_PRIMARY : DCO_SLOT_SECONDARY,
                              .key_id = number,
                              .cipher = DCO_CIPHER_AES_GCM,
                              .key_len = 32,
                              .tx_key = out,
                              .tx_tail = tail,
                              .rx_tail = tail};

    aead_free(far_key[number]);
    far_key[number] = aead_new(DCO_CIPHER_AES_GCM, in, out, 32, tail, tail, 1);
    req.crypto = aead_new(DCO_CIPHER_AES_GCM, out, in, 32, tail, tail, plane_key_threads());
    CHECK_EQ(dco_control_key_new(dev->peers, &req, clock_now_ns()), 0);
}

/* openvpn hears of what happened. */
static void
events_end(void)
{
    struct plane_dev *of;
    struct dco_event event;

    while (plane_event_take(&of, &event))
        CHECK(of == dev);
}

/* Its translation ends too. */
static void
peer_end(uint32_t id)
{
    CHECK_EQ(dco_control_peer_del(dev->peers, id, DCO_DEL_USERSPACE), 0);
    for (int i = 0; i < 2; i++) {
        aead_free(far_key[i]);
        far_key[i] = NULL;
    }
    events_end();
}

static struct dco_peer_info
info(uint32_t id)
{
    struct dco_peer_info info;

    memset(&info, 0, sizeof(info));
    CHECK_EQ(dco_control_peer_get(dev->peers, id, &info), 0);
    return info;
}

/* The far end */

/* A data packet whose inner packet comes from the peer's address. */
static uint32_t
seal(uint8_t *pkt, uint32_t peer, uint8_t number, uint32_t packet_id)
{
    static const uint8_t head[] = {0x45, 0, 0, INNER, 0, 0, 0, 0, 64, 253};
    struct aead_op op = {.pkt = pkt, .in = pkt + DCO_OVERHEAD, .len = INNER};
    uint8_t *inner = pkt + DCO_OVERHEAD;

    memset(pkt, 0, DCO_OVERHEAD + INNER);
    memcpy(inner, head, sizeof(head));
    memcpy(inner + 12, (const uint8_t[]){10, 9, 0, (uint8_t)peer, 10, 9, 0, 254}, 8);
    dco_wire_write_hdr(pkt, number, peer, packet_id);
    aead_seal(far_key[number], 0, &op, 1);
    return DCO_OVERHEAD + INNER;
}

static void
send_raw(int fd, const uint8_t *pkt, uint32_t len)
{
    CHECK(sendto(fd, pkt, len, 0, (struct sockaddr *)&plane_addr, sizeof(plane_addr)) ==
          (ssize_t)len);
}

static uint64_t
drops(enum dco_drop reason)
{
    struct dco_drops sum;

    plane_dev_drops(dev, &sum);
    return sum.count[reason];
}

/* Whether the peer has received so many packets, at last. */
static bool
hears(uint32_t peer, uint64_t packets)
{
    uint64_t end = clock_now_ns() + 10 * SECOND;

    while (info(peer).stats.vpn_rx_packets < packets && clock_now_ns() < end)
        usleep(1000);
    return info(peer).stats.vpn_rx_packets == packets;
}

static bool
drops_become(enum dco_drop reason, uint64_t n)
{
    uint64_t end = clock_now_ns() + 10 * SECOND;

    while (drops(reason) < n && clock_now_ns() < end)
        usleep(1000);
    return drops(reason) == n;
}

/* What is counted */

TEST("forged packets count for nothing")
{
    uint64_t failed;
    uint8_t pkt[DCO_OVERHEAD + INNER];
    struct dco_key *key;
    uint32_t len;

    NEED_PLANE
    failed = drops(DCO_DROP_RX_AUTH);
    peer_add(1);
    key_add(1, 0);
    key = dco_peer_key_rx(dco_peers_by_id(dev->peers, 1), 0);
    len = seal(pkt, 1, 0, 1);
    send_raw(here, pkt, len);
    CHECK(hears(1, 1));
    for (uint32_t i = 0; i < 200; i++) {
        seal(pkt, 1, 0, 1000 + i);
        pkt[len - 1] ^= 1;
        send_raw(i % 2 ? here : elsewhere, pkt, len);
    }
    CHECK(drops_become(DCO_DROP_RX_AUTH, failed + 200));
    seal(pkt, 1, 0, 2);
    send_raw(here, pkt, len);
    CHECK(hears(1, 2));
    CHECK_EQ((long long)info(1).stats.link_rx_packets, 2);
    CHECK_EQ((long long)info(1).stats.link_rx_bytes, 2 * (long long)len);
    CHECK_EQ((long long)info(1).stats.vpn_rx_bytes, 2 * INNER);
    CHECK_EQ((long long)dco_load(&key->rx_blocks), 2 * (long long)dco_key_cost(INNER));
    CHECK_EQ((long long)dco_load(&key->rx_failures), 200);
    peer_end(1);
}

TEST("packets that come again count for nothing")
{
    uint64_t refused;
    uint8_t pkt[DCO_OVERHEAD + INNER];
    struct dco_key *key;
    uint32_t len;

    NEED_PLANE
    refused = drops(DCO_DROP_RX_REPLAY);
    peer_add(2);
    key_add(2, 0);
    key = dco_peer_key_rx(dco_peers_by_id(dev->peers, 2), 0);
    len = seal(pkt, 2, 0, 7);
    for (uint32_t i = 0; i < 200; i++)
        send_raw(here, pkt, len);
    CHECK(hears(2, 1));
    CHECK(drops_become(DCO_DROP_RX_REPLAY, refused + 199));
    CHECK_EQ((long long)info(2).stats.link_rx_packets, 1);
    CHECK_EQ((long long)info(2).stats.link_rx_bytes, (long long)len);
    CHECK_EQ((long long)dco_load(&key->rx_blocks), (long long)dco_key_cost(INNER));
    peer_end(2);
}

/* What moves a peer */

static void
send_id(int fd, uint32_t peer, uint8_t number, uint32_t packet_id)
{
    uint8_t pkt[DCO_OVERHEAD + INNER];

    usleep(20000); /* a peer moves no more often than each 10 ms */
    send_raw(fd, pkt, seal(pkt, peer, number, packet_id));
}

static bool
is_at(uint32_t peer, int fd)
{
    return info(peer).path.remote.port == port_of(fd);
}

TEST("a late packet does not move its peer")
{
    NEED_PLANE
    peer_add(3);
    key_add(3, 0);
    send_id(here, 3, 0, 10);
    CHECK(hears(3, 1) && is_at(3, here));
    send_id(elsewhere, 3, 0, 20);
    CHECK(hears(3, 2) && is_at(3, elsewhere));
    send_id(here, 3, 0, 15);
    CHECK(hears(3, 3) && is_at(3, elsewhere));
    peer_end(3);
}

/* Its newest packet may have been withheld, and be sent from anywhere later. */
TEST("a packet of a key that its peer has left does not move it")
{
    NEED_PLANE
    peer_add(4);
    key_add(4, 0);
    send_id(here, 4, 0, 10);
    CHECK(hears(4, 1));
    key_add(4, 1);
    send_id(elsewhere, 4, 0, 11); /* nothing came with the new one yet */
    CHECK(hears(4, 2) && is_at(4, elsewhere));
    send_id(here, 4, 1, 1);
    CHECK(hears(4, 3) && is_at(4, here));
    send_id(elsewhere, 4, 0, 12);
    CHECK(hears(4, 4) && is_at(4, here));
    CHECK_EQ(dco_control_key_swap(dev->peers, 4), 0);
    send_id(elsewhere, 4, 0, 13);
    CHECK(hears(4, 5) && is_at(4, here));
    send_id(elsewhere, 4, 1, 2);
    CHECK(hears(4, 6) && is_at(4, elsewhere));
    peer_end(4);
}

/* As stock openvpn with --multihome: the answer to a broadcast has an address of ours. */
TEST("a broadcast address is none to answer from")
{
    struct dco_ip ours = ip4(127, 0, 0, 1), local;

    NEED_PLANE
    peer_add(5);
    key_add(5, 0);
    send_id(here, 5, 0, 1);
    CHECK(hears(5, 1));
    local = info(5).path.local;
    CHECK(dco_ip_equal(&local, &ours));
    plane_addr.sin_addr.s_addr = htonl(0x7fffffff); /* of lo */
    send_id(here, 5, 0, 2);
    CHECK(hears(5, 2));
    plane_addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    local = info(5).path.local;
    CHECK(dco_ip_equal(&local, &ours));
    peer_end(5);
}

/* As stock openvpn without --float: nothing of it is looked at, so that its id stays unused. */
TEST("without --float nothing comes from elsewhere")
{
    uint64_t refused;

    NEED_PLANE
    refused = drops(DCO_DROP_RX_ADDRESS);
    plane_dev_set_floats(dev, false);
    peer_add(6);
    key_add(6, 0);
    send_id(here, 6, 0, 1);
    CHECK(hears(6, 1));
    send_id(elsewhere, 6, 0, 2);
    CHECK(drops_become(DCO_DROP_RX_ADDRESS, refused + 1));
    CHECK(is_at(6, here));
    send_id(here, 6, 0, 2);
    CHECK(hears(6, 2) && is_at(6, here));
    peer_end(6);
    plane_dev_set_floats(dev, true);
}

/* What openvpn hears */

/* A control packet from fd; the port that openvpn sees it come from. */
static uint16_t
named(int fd, uint8_t opcode)
{
    struct {
        struct plane_control_hdr hdr;
        uint8_t pkt[16];
    } got;
    uint8_t pkt[14] = {(uint8_t)(opcode << 3)};

    send_raw(fd, pkt, sizeof(pkt));
    CHECK(recv(openvpn_end, &got, sizeof(got), 0) == sizeof(got.hdr) + sizeof(pkt));
    return got.hdr.source.in.sin_port;
}

/* Where a packet of openvpn's for the address of fd goes. */
static uint16_t
answer_goes(int fd)
{
    struct sockaddr_storage ss = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&ss;

    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port_of(fd)};
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    plane_port_map_dest(sock, &ss);
    return in->sin_port;
}

#define CONTROL    4 /* P_CONTROL_V1 */
#define HARD_RESET 7 /* P_CONTROL_HARD_RESET_CLIENT_V2 */

TEST("openvpn knows a peer that moved by its first address")
{
    NEED_PLANE
    peer_add(7);
    key_add(7, 0);
    send_id(here, 7, 0, 1);
    CHECK(hears(7, 1));
    CHECK(named(here, CONTROL) == port_of(here));
    CHECK(answer_goes(here) == port_of(here));
    send_id(elsewhere, 7, 0, 2);
    CHECK(hears(7, 2) && is_at(7, elsewhere));
    CHECK(named(elsewhere, CONTROL) == port_of(here));
    CHECK(named(here, HARD_RESET) == port_of(elsewhere)); /* a stranger */
    CHECK(answer_goes(here) == port_of(elsewhere));
    CHECK(answer_goes(elsewhere) == port_of(here));
    send_id(here, 7, 0, 3);
    CHECK(hears(7, 3) && is_at(7, here));
    CHECK(named(elsewhere, CONTROL) == port_of(elsewhere));
    peer_end(7);
}

/* Whom openvpn answers at an address keeps it. For how long is in float_nat_test. */
TEST("a session in its handshake keeps its own packets")
{
    struct sockaddr_in in;
    int third = -1;

    NEED_PLANE
    third = bound(&in, INADDR_LOOPBACK);
    peer_add(8);
    key_add(8, 0);
    send_id(here, 8, 0, 1);
    CHECK(hears(8, 1));
    CHECK(named(third, HARD_RESET) == port_of(third));
    CHECK(answer_goes(third) == port_of(third)); /* a session begins */
    send_id(third, 8, 0, 2);
    CHECK(hears(8, 2) && is_at(8, third));
    CHECK(named(third, CONTROL) == port_of(third));
    CHECK(answer_goes(third) == port_of(third));
    CHECK(answer_goes(here) == port_of(here));
    send_id(here, 8, 0, 3);
    CHECK(hears(8, 3) && is_at(8, here));
    peer_end(8);
    close(third);
}

/* A peer that was refused gets its translation with the first packet of its own after that. */
TEST("a session keeps its packets only as long as it exists")
{
    struct sockaddr_in in;
    struct float_nat *kept = NULL;
    int third = -1;

    NEED_PLANE
    third = bound(&in, INADDR_LOOPBACK);
    peer_add(9);
    key_add(9, 0);
    send_id(here, 9, 0, 1);
    CHECK(hears(9, 1));
    CHECK(answer_goes(third) == port_of(third));
    send_id(third, 9, 0, 2);
    CHECK(hears(9, 2) && is_at(9, third));
    CHECK(named(third, CONTROL) == port_of(third));
    kept = sock->float_nat;
    workers_hold();
    sock->float_nat = float_nat_new(); /* openvpn has long been silent */
    workers_resume();
    CHECK(named(third, HARD_RESET) == port_of(third));
    CHECK(named(third, CONTROL) == port_of(here));
    CHECK(answer_goes(here) == port_of(third));
    float_nat_free(kept);
    peer_end(9);
    close(third);
}

/* As a request for a new peer from openvpn, which knows it at the address of fd. */
static void
peer_named(uint32_t id, int fd)
{
    struct dco_peer_new req = {.id = id, .tx_id = id, .transport = plane_port_get(sock)};

    req.vpn4 = ip4(10, 9, 0, (uint8_t)id);
    req.path.remote.ip = ip4(127, 0, 0, 1);
    req.path.remote.port = port_of(fd);
    plane_port_peer_locate(sock, &req);
    CHECK_EQ(dco_control_peer_new(dev->peers, &req, clock_now_ns()), 0);
    plane_port_peer_made(sock, &req);
}

/* Peer 10 has gone elsewhere; from where it was comes another one, of another name. */
TEST("a peer at the old address of another is found where it is")
{
    NEED_PLANE
    peer_named(10, here);
    key_add(10, 0);
    send_id(elsewhere, 10, 0, 1);
    CHECK(hears(10, 1) && is_at(10, elsewhere));
    CHECK(named(here, HARD_RESET) == port_of(elsewhere));
    peer_named(11, elsewhere);
    CHECK(is_at(11, here) && is_at(10, elsewhere));
    CHECK(named(here, CONTROL) == port_of(elsewhere));
    CHECK(named(elsewhere, CONTROL) == port_of(here));
    peer_end(10); /* which takes nothing with it */
    CHECK(named(here, CONTROL) == port_of(elsewhere));
    CHECK(answer_goes(elsewhere) == port_of(here));
    /* An id that is used again before openvpn has heard that its peer is gone. */
    CHECK_EQ(dco_control_peer_del(dev->peers, 11, DCO_DEL_USERSPACE), 0);
    peer_named(11, elsewhere);
    CHECK(is_at(11, here));
    events_end();
    CHECK(answer_goes(elsewhere) == port_of(here));
    CHECK(named(here, CONTROL) == port_of(elsewhere));
    peer_end(11);
    CHECK(named(here, CONTROL) == port_of(here));
}

TEST("the plane shuts down with peers and a port")
{
    NEED_PLANE
    plane_shutdown();
    plane_port_close(sock);
    plane_port_put(sock);
    close(openvpn_end);
    close(here);
    close(elsewhere);
}
