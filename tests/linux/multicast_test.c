/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of a real plane with client-to-client sends a train of multicast packets to many
 * clients. If the copies had no bound, one client could keep a worker from serving all others.
 */
#include "linux/plane/multicast.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addresses.h"
#include "harness.h"
#include "linux/crypto/aead.h"
#include "linux/plane/plane.h"
#include "linux/sys/clock.h"

#define SECOND 1000000000ULL
#define PEERS  40U
#define TRAIN  60U
#define INNER  100U /* bytes */
#define OUTER  (INNER + DCO_OVERHEAD)

static struct plane_dev *dev;
static struct plane_port *sock;
static struct sockaddr_in plane_addr, far_addr;
static int far_end = -1;
static struct aead *far_key;

static int
bound(struct sockaddr_in *in)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(*in);

    *in = (struct sockaddr_in){.sin_family = AF_INET};
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, (struct sockaddr *)in, sizeof(*in)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)in, &len) == 0);
    return fd;
}

static void
peer_add(uint32_t id)
{
    uint8_t out[32] = {1, (uint8_t)id}, in[32] = {2, (uint8_t)id}, tail[8] = {3};
    struct dco_peer_new peer = {.id = id, .tx_id = id, .transport = plane_port_get(sock)};
    struct dco_key_new key = {.peer_id = id,
                              .cipher = DCO_CIPHER_AES_GCM,
                              .key_len = 32,
                              .tx_key = out,
                              .tx_tail = tail,
                              .rx_tail = tail};

    peer.vpn4 = ip4(10, 9, 0, (uint8_t)id);
    peer.path.remote.ip = ip4(127, 0, 0, 1);
    peer.path.remote.port = far_addr.sin_port;
    CHECK_EQ(dco_control_peer_new(plane_dev_peers(dev), &peer, clock_now_ns()), 0);
    key.crypto = aead_new(DCO_CIPHER_AES_GCM, out, in, 32, tail, tail, plane_key_threads());
    CHECK_EQ(dco_control_key_new(plane_dev_peers(dev), &key, clock_now_ns()), 0);
    if (id == 1)
        far_key = aead_new(DCO_CIPHER_AES_GCM, in, out, 32, tail, tail, 1);
}

static void
set_up(void)
{
    struct plane_dev_options options = {.client_to_client = true};
    struct settings settings = {.workers = 1};
    int pair[2];

    CHECK(system("ip link set lo up") == 0);
    plane_configure(&settings);
    CHECK(plane_prepare() == 0);
    CHECK(plane_dev_new("many0", DCO_MODE_MP, &dev) == 0);
    plane_dev_set_options(dev, &options);
    CHECK(system("ip addr add 10.9.0.254/24 dev many0 && ip link set many0 up") == 0);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK(plane_port_new(bound(&plane_addr), false, &sock) == 0);
    CHECK(plane_port_open(sock, pair[0]) == 0);
    CHECK(plane_port_bind_dev(sock, dev) == 0);
    far_end = bound(&far_addr);
    for (uint32_t id = 1; id <= PEERS; id++)
        peer_add(id);
}

static void
seal(uint8_t *pkt, uint32_t packet_id)
{
    static const uint8_t head[] = {0x45, 0, 0, INNER, 0, 0, 0, 0, 64, 253};
    uint8_t *inner = pkt + DCO_OVERHEAD;
    struct aead_op op = {.pkt = pkt, .in = inner, .len = INNER};

    memset(pkt, 0, OUTER);
    memcpy(inner, head, sizeof(head));
    memcpy(inner + 12, (const uint8_t[]){10, 9, 0, 1, 239, 1, 2, 3}, 8);
    dco_wire_write_hdr(pkt, 0, 1, packet_id);
    aead_seal(far_key, 0, &op, 1);
}

static uint64_t
drops(enum dco_drop reason)
{
    struct dco_drops sum;

    plane_dev_drops(dev, &sum);
    return sum.count[reason];
}

static struct dco_peer_stats
stats(uint32_t id)
{
    struct dco_peer_info info;

    memset(&info, 0, sizeof(info));
    CHECK_EQ(dco_control_peer_get(plane_dev_peers(dev), id, &info), 0);
    return info.stats;
}

/* Sends a train that stays one burst; false if this kernel cannot. */
static bool
send_train(void)
{
    static uint8_t train[TRAIN * OUTER];
    int seg = OUTER;

    for (uint32_t i = 0; i < TRAIN; i++)
        seal(train + i * OUTER, 1 + i);
    return setsockopt(far_end, SOL_UDP, UDP_SEGMENT, &seg, sizeof(seg)) == 0 &&
           sendto(far_end, train, sizeof(train), 0, (struct sockaddr *)&plane_addr,
                  sizeof(plane_addr)) == (ssize_t)sizeof(train);
}

TEST("a burst copies multicast packets up to a bound, each to all other clients or to none")
{
    const uint32_t copied = (MULTICAST_COPIES + PEERS - 2) / (PEERS - 1);
    uint64_t end;

    if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
        test_skip("no network namespace or no /dev/net/tun");
    set_up();
    if (!send_train())
        test_skip("this kernel does not send trains");
    end = clock_now_ns() + 10 * SECOND;
    while (stats(PEERS).vpn_tx_packets + drops(DCO_DROP_TX_MULTICAST) < TRAIN &&
           clock_now_ns() < end)
        usleep(1000);
    CHECK_EQ(stats(1).vpn_rx_packets, TRAIN);
    CHECK_EQ(stats(1).vpn_tx_packets, 0);
    for (uint32_t id = 2; id <= PEERS; id++)
        CHECK_EQ(stats(id).vpn_tx_packets, copied);
    CHECK_EQ(drops(DCO_DROP_TX_MULTICAST), TRAIN - copied);
}
