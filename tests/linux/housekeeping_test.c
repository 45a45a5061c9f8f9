/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Housekeeping of a real plane: the other end can authenticate its keepalives, peers expire, keys
 * are wiped at once, path MTUs follow the routing table, threads end. If this failed, idle tunnels
 * would end, dead clients would stay, or large packets would be lost on the way.
 */
#include "linux/plane/housekeeping.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addresses.h"
#include "harness.h"
#include "linux/crypto/aead.h"
#include "linux/crypto/secret.h"
#include "linux/plane/dev_private.h"
#include "linux/plane/pathmtu.h"
#include "linux/plane/plane.h"
#include "linux/plane/port_private.h"
#include "linux/sys/clock.h"

#define SECOND 1000000000ULL

/* Whether it becomes true; a busy machine has long to get there. */
#define BECOMES(condition)                                                                         \
    ({                                                                                             \
        uint64_t end_ = clock_now_ns() + 60 * SECOND;                                              \
        while (!(condition) && clock_now_ns() < end_)                                              \
            usleep(10000);                                                                         \
        (condition);                                                                               \
    })

static struct plane_dev *dev;
static struct plane_port *sock;
static int remote = -1; /* a peer's socket */
static struct sockaddr_in remote_addr, plane_addr;
static uint32_t event_calls; /* atomic */

static void
on_event(void)
{
    dco_add(&event_calls, 1);
}

const struct plane_hooks plane_hooks = {.on_event = on_event};

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

static unsigned own_threads; /* before the plane; a sanitizer may have some */

static unsigned
threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    unsigned n = 0;

    while (dir != NULL && readdir(dir) != NULL)
        n++;
    if (dir != NULL)
        closedir(dir);
    return n - 2 - own_threads;
}

static bool
ready(void)
{
    static int state = -1;
    struct settings settings = {.workers = 2};
    int pair[2];

    if (state >= 0)
        return state;
    state = 0;
    own_threads = threads();
    if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
        return false;
    CHECK(system("ip link set lo up") == 0);
    plane_configure(&settings);
    CHECK(plane_prepare() == 0);
    CHECK(plane_dev_new("ho0", DCO_MODE_MP, &dev) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK(plane_port_new(bound(&plane_addr), false, &sock) == 0);
    CHECK(plane_port_open(sock, pair[0]) == 0);
    CHECK(plane_port_bind_dev(sock, dev) == 0);
    remote = bound(&remote_addr);
    state = 1;
    return true;
}

#define NEED_PLANE                                                                                 \
    if (!ready())                                                                                  \
        test_skip("no network namespace or no /dev/net/tun");

static void
peer_add(uint32_t id, bool with_local)
{
    struct dco_peer_new req = {.id = id, .tx_id = id + 100, .transport = plane_port_get(sock)};

    req.vpn4 = ip4(10, 9, 0, (uint8_t)id);
    req.path.remote.ip = ip4(127, 0, 0, 1);
    req.path.remote.port = remote_addr.sin_port;
    if (with_local)
        req.path.local = ip4(127, 0, 0, 9);
    CHECK_EQ(dco_control_peer_new(dev->peers, &req, clock_now_ns()), 0);
}

static const uint8_t keys[2][32] = {{1}, {2}}, tails[2][8] = {{3}, {4}};

static int
key_add(uint32_t id, uint8_t key_id, uint8_t number)
{
    uint8_t key[32] = {1, number};
    struct dco_key_new req = {.peer_id = id,
                              .key_id = key_id,
                              .cipher = DCO_CIPHER_AES_GCM,
                              .key_len = 32,
                              .tx_key = key,
                              .tx_tail = tails[0],
                              .rx_tail = tails[1]};

    req.crypto =
        aead_new(DCO_CIPHER_AES_GCM, key, keys[1], 32, tails[0], tails[1], plane_key_threads());
    return dco_control_key_new(dev->peers, &req, clock_now_ns());
}

/* The next datagram to the peer's socket; 0 after ms. */
static ssize_t
receive(uint8_t *pkt, size_t size, int ms, struct sockaddr_in *from)
{
    struct pollfd p = {.fd = remote, .events = POLLIN};
    socklen_t len = sizeof(*from);

    return poll(&p, 1, ms) <= 0 ? 0 : recvfrom(remote, pkt, size, 0, (struct sockaddr *)from, &len);
}

/* Every second one, sealed with the key of the peer, each with the next packet id. */
static void
expect_keepalives(uint8_t number, uint32_t tx_id, uint32_t source)
{
    uint8_t pkt[256], key[32] = {1, number};
    struct aead *aead = aead_new(DCO_CIPHER_AES_GCM, keys[1], key, 32, tails[1], tails[0], 1);
    struct sockaddr_in from = {0};
    uint64_t began = clock_now_ns();

    for (uint32_t i = 1; i <= 3; i++) {
        ssize_t len = receive(pkt, sizeof(pkt), 60000, &from);
        struct aead_op op = {.pkt = pkt, .len = DCO_KEEPALIVE_LEN};
        struct dco_wire_hdr hdr;

        CHECK_EQ(len, DCO_OVERHEAD + DCO_KEEPALIVE_LEN);
        if (len != DCO_OVERHEAD + DCO_KEEPALIVE_LEN)
            break;
        CHECK(dco_wire_parse(pkt, (size_t)len, &hdr) == DCO_WIRE_DATA);
        CHECK_EQ(hdr.peer_id, tx_id);
        CHECK_EQ(hdr.packet_id, i);
        CHECK_EQ(hdr.key_id, 5);
        CHECK_EQ(from.sin_port, plane_addr.sin_port);
        CHECK_EQ(ntohl(from.sin_addr.s_addr), source);
        aead_open(aead, 0, &op, 1);
        CHECK(op.ok && dco_wire_is_keepalive(pkt + DCO_OVERHEAD, DCO_KEEPALIVE_LEN));
    }
    CHECK(clock_now_ns() - began > SECOND); /* they did not come at once */
    aead_free(aead);
}

static uint64_t
link_tx_packets(uint32_t id)
{
    struct dco_peer_info info = {0};

    CHECK_EQ(dco_control_peer_get(dev->peers, id, &info), 0);
    return info.stats.link_tx_packets;
}

TEST("keepalives that the other end accepts")
{
    struct dco_peer_info info;

    NEED_PLANE
    peer_add(1, false);
    CHECK_EQ(key_add(1, 5, 1), 0);
    CHECK_EQ(dco_control_peer_set(dev->peers, 1, 1, 60, clock_now_ns()), 0);
    expect_keepalives(1, 101, INADDR_LOOPBACK);
    CHECK_EQ(dco_control_peer_set(dev->peers, 1, 0, 0, clock_now_ns()), 0); /* no more of them */
    CHECK(BECOMES(link_tx_packets(1) >= 3)); /* a packet is here before it is counted */
    CHECK_EQ(dco_control_peer_get(dev->peers, 1, &info), 0);
    CHECK(info.stats.link_tx_bytes >= 3 * (DCO_OVERHEAD + DCO_KEEPALIVE_LEN));
    CHECK_EQ((long long)(info.stats.link_tx_bytes % (DCO_OVERHEAD + DCO_KEEPALIVE_LEN)), 0);
    CHECK_EQ((long long)info.stats.vpn_tx_packets, 0);
    CHECK_EQ(dco_control_peer_del(dev->peers, 1, DCO_DEL_USERSPACE), 0);
}

TEST("keepalives from the peer's local address")
{
    NEED_PLANE
    peer_add(2, true);
    CHECK_EQ(key_add(2, 5, 2), 0);
    CHECK_EQ(dco_control_peer_set(dev->peers, 2, 1, 60, clock_now_ns()), 0);
    expect_keepalives(2, 102, INADDR_LOOPBACK + 8);
    CHECK_EQ(dco_control_peer_del(dev->peers, 2, DCO_DEL_USERSPACE), 0);
}

/* What the process dropped and no worker did. */
static uint64_t
unreachable_keepalives(void)
{
    struct dco_drops all, of_workers;

    plane_devs_lock();
    plane_drops(&all);
    plane_dev_drops(dev, &of_workers);
    plane_devs_unlock();
    return all.count[DCO_DROP_TX_UNREACHABLE] - of_workers.count[DCO_DROP_TX_UNREACHABLE];
}

/* No key: nothing to send, nothing dropped. No route: counted. */
TEST("keepalives that cannot be sent")
{
    struct dco_peer_new req = {.id = 3, .tx_id = 3, .transport = NULL};
    uint8_t pkt[64];
    struct sockaddr_in from;
    uint64_t before;

    NEED_PLANE
    peer_add(4, false);
    CHECK_EQ(dco_control_peer_set(dev->peers, 4, 1, 60, clock_now_ns()), 0);
    CHECK_EQ(receive(pkt, sizeof(pkt), 1500, &from), 0);
    CHECK_EQ(dco_control_peer_del(dev->peers, 4, DCO_DEL_USERSPACE), 0);

    before = unreachable_keepalives();
    req.vpn4 = ip4(10, 9, 0, 3);
    req.path.remote.ip = ip4(192, 0, 2, 1);
    req.path.remote.port = htons(1194);
    req.transport = plane_port_get(sock);
    CHECK_EQ(dco_control_peer_new(dev->peers, &req, clock_now_ns()), 0);
    CHECK_EQ(key_add(3, 5, 3), 0);
    CHECK_EQ(dco_control_peer_set(dev->peers, 3, 1, 60, clock_now_ns()), 0);
    CHECK(BECOMES(unreachable_keepalives() > before));
    CHECK_EQ(dco_control_peer_del(dev->peers, 3, DCO_DEL_USERSPACE), 0);
}

static bool
take_event(uint32_t kind, uint32_t id, struct dco_event *event)
{
    struct plane_dev *d;

    while (plane_event_take(&d, event))
        if (event->kind == kind && event->peer_id == id)
            return true;
    return false;
}

/* How often the preload layer was called, once it is no more. */
static uint32_t
calls_are_over(void)
{
    uint32_t calls = 0;

    usleep(50000);
    CHECK(BECOMES(
        (calls = dco_load(&event_calls), usleep(100000), dco_load(&event_calls) - calls <= 1)));
    return dco_load(&event_calls);
}

TEST("a silent peer expires in time")
{
    struct dco_event event;
    uint32_t calls;
    uint64_t began;

    NEED_PLANE
    peer_add(5, false);
    take_event(0, 0, &event); /* those of the tests before */
    calls = calls_are_over();
    began = clock_now_ns();
    CHECK_EQ(dco_control_peer_set(dev->peers, 5, 0, 1, clock_now_ns()), 0);
    CHECK(BECOMES(dco_load(&event_calls) != calls));
    CHECK(clock_now_ns() - began > SECOND / 2);
    CHECK(take_event(DCO_EVENT_DEL, 5, &event));
    CHECK_EQ(event.del_reason, DCO_DEL_EXPIRED);
}

/* The preload layer may have been busy: housekeeping calls again until the events are taken. */
TEST("events are offered until they are taken")
{
    struct dco_event event;
    uint32_t calls;

    NEED_PLANE
    take_event(0, 0, &event);
    calls = calls_are_over();
    peer_add(6, false);
    CHECK_EQ(dco_control_peer_del(dev->peers, 6, DCO_DEL_USERSPACE), 0);
    CHECK(BECOMES(dco_load(&event_calls) - calls >= 10));
    CHECK(take_event(DCO_EVENT_DEL, 6, &event));
    calls_are_over();
}

TEST("keys are wiped at once")
{
    struct secret_stats before, during, after;
    struct dco_event event;

    NEED_PLANE
    do { /* what other tests let go of */
        secret_stats(&before);
        usleep(300000);
        secret_stats(&after);
    } while (after.used != before.used);
    for (uint32_t id = 20; id < 60; id++) {
        peer_add(id, false);
        CHECK_EQ(key_add(id, 1, (uint8_t)id), 0);
    }
    secret_stats(&during);
    CHECK(during.used > before.used);
    for (uint32_t id = 20; id < 60; id++)
        CHECK_EQ(dco_control_peer_del(dev->peers, id, DCO_DEL_USERSPACE), 0);
    take_event(0, 0, &event); /* an event holds its peer, but no key */
    CHECK(BECOMES((secret_stats(&after), after.used == before.used)));
}

/* Path MTU */

/* Through a port group of its own, so that housekeeping does not ask over it as well. */
static struct plane_port *asker;

static void
asker_open(int mark)
{
    struct sockaddr_in in;
    int pair[2], fd = bound(&in);

    CHECK(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK_EQ(plane_port_new(fd, false, &asker), 0);
    CHECK_EQ(plane_port_open(asker, pair[0]), 0);
    close(pair[1]);
}

static void
asker_close(void)
{
    plane_port_close(asker);
    plane_port_put(asker);
}

/* Twice, and no port stays taken. */
static unsigned
mtu_to(struct dco_ip ip, struct dco_ip local)
{
    struct dco_path path = {.remote = {.ip = ip, .port = htons(1194)}, .local = local};
    unsigned first = path_mtu_get(asker, &path);
    struct sockaddr_in in = {0};
    socklen_t len = sizeof(in);

    CHECK_EQ(path_mtu_get(asker, &path), first);
    CHECK(getsockname(asker->probe[0], (struct sockaddr *)&in, &len) == 0 && in.sin_port == 0);
    return first;
}

/* An uplink with ways of several MTUs. */
static void
ways_make(void)
{
    CHECK(system("ip link add du0 mtu 1450 type veth peer du1 && ip link set du1 up && ip link set "
                 "du0 up && "
                 "ip addr add 198.51.100.1/24 dev du0 && "
                 "ip -6 addr add 2001:db8:5::1/64 dev du0 nodad && "
                 "ip route add 203.0.113.0/24 via 198.51.100.2 mtu 1300 && "
                 "ip -6 route add 2001:db8:6::/64 via 2001:db8:5::2 mtu 1290 && "
                 "ip route add 203.0.113.0/24 via 198.51.100.2 mtu 1280 table 77 && "
                 "ip rule add fwmark 77 table 77") == 0);
}

TEST("path MTU by route, address, family and mark")
{
    struct dco_ip none = {0};

    NEED_PLANE
    ways_make();
    asker_open(0);
    CHECK_EQ(mtu_to(ip4(198, 51, 100, 9), none), 1450);
    CHECK_EQ(mtu_to(ip4(203, 0, 113, 9), none), 1300);
    CHECK_EQ(mtu_to(ip4(203, 0, 113, 9), ip4(198, 51, 100, 1)), 1300);
    CHECK_EQ(mtu_to(ip4(203, 0, 113, 9), ip4(1, 2, 3, 4)), 1300); /* an address that has gone */
    CHECK_EQ(mtu_to(ip4(203, 0, 113, 9), none), 1300);
    struct dco_ip six = ip6(9);

    memcpy(six.addr, "\x20\x01\x0d\xb8\x00\x06\x00\x00", 8);
    CHECK_EQ(mtu_to(six, none), 1290);
    memcpy(six.addr, "\x20\x01\x0d\xb8\x00\x05\x00\x00", 8);
    CHECK_EQ(mtu_to(six, none), 1450);
    CHECK_EQ(mtu_to(ip4(8, 8, 8, 8), none), 0); /* no route */
    asker_close();
    asker_open(77);
    CHECK_EQ(mtu_to(ip4(203, 0, 113, 9), none), 1280);
    asker_close();
}

static bool
has_id(struct dco_peer *peer, void *id)
{
    return dco_peer_id(peer) == *(uint32_t *)id;
}

static unsigned
peer_mtu(uint32_t id)
{
    struct dco_peer *found;
    unsigned mtu;

    if (dco_peers_select(dev->peers, has_id, &id, &found, 1) == 0)
        return 0;
    mtu = dco_load(&dco_peer_platform(found)->path_mtu);
    dco_peer_put(found);
    return mtu;
}

static bool
peer_mtu_becomes(uint32_t id, unsigned mtu, unsigned seconds)
{
    uint64_t end = clock_now_ns() + seconds * SECOND;

    while (peer_mtu(id) != mtu && clock_now_ns() < end)
        usleep(10000);
    return peer_mtu(id) == mtu;
}

TEST("path MTU of peers follows")
{
    struct dco_peer_new req = {.id = 70, .tx_id = 70};

    NEED_PLANE
    ways_make();
    req.vpn4 = ip4(10, 9, 0, 70);
    req.path.remote.ip = ip4(203, 0, 113, 70);
    req.path.remote.port = htons(1194);
    req.transport = plane_port_get(sock);
    CHECK_EQ(dco_control_peer_new(dev->peers, &req, clock_now_ns()), 0);
    CHECK(peer_mtu_becomes(70, 1300, 8)); /* a new peer within a second */
    CHECK(system("ip route change 203.0.113.0/24 via 198.51.100.2 mtu 1260") == 0);
    CHECK(peer_mtu_becomes(70, 1260, 60));
    CHECK_EQ(dco_control_peer_del(dev->peers, 70, DCO_DEL_USERSPACE), 0);
}

/* The end */

TEST("devices come and go, threads end")
{
    NEED_PLANE
    CHECK_EQ(threads(), 3); /* two workers, housekeeping */
    plane_dev_free(dev);
    CHECK_EQ(threads(), 0);
    CHECK_EQ(plane_dev_new("ho1", DCO_MODE_P2P, &dev), 0);
    CHECK_EQ(threads(), 3);
    for (int i = 0; i < 20; i++) {
        plane_dev_free(dev);
        CHECK_EQ(plane_dev_new("ho2", DCO_MODE_P2P, &dev), 0);
    }
    plane_shutdown();
    plane_port_close(sock);
    plane_port_put(sock);
    close(remote);
    CHECK_EQ(threads(), 0);
}

#define PORTS 150U /* more than WORKER_SOURCES */

static struct plane_port *
port_new(void)
{
    struct sockaddr_in in;
    struct plane_port *port = NULL;
    int pair[2];

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    close(pair[1]);
    CHECK(plane_port_new(bound(&in), false, &port) == 0);
    CHECK(plane_port_open(port, pair[0]) == 0);
    return port;
}

static void
port_free(struct plane_port *port)
{
    plane_port_close(port);
    plane_port_put(port);
}

TEST("more ports than a worker has room for at first")
{
    struct plane_port *port[PORTS];

    NEED_PLANE
    for (unsigned i = 0; i < PORTS; i++) {
        port[i] = port_new();
        CHECK_EQ(plane_port_bind_dev(port[i], dev), 0);
    }
    for (unsigned i = 0; i < PORTS; i++)
        port_free(port[i]);
}

/* If a port that no worker reads were taken for one that is, its peers would hear nothing. */
TEST("a port that cannot be watched is tried again")
{
    struct plane_port *port;
    int kept, file;

    NEED_PLANE
    port = port_new();
    kept = dup(plane_port_fd(port));
    file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    CHECK(kept >= 0 && file >= 0);
    CHECK(dup2(file, plane_port_fd(port)) >= 0);
    CHECK_EQ(plane_port_bind_dev(port, dev), -EPERM);
    CHECK_EQ(plane_port_bind_dev(port, dev), -EPERM);
    CHECK(dup2(kept, plane_port_fd(port)) >= 0);
    CHECK_EQ(plane_port_bind_dev(port, dev), 0);
    port_free(port);
    close(kept);
    close(file);
}
