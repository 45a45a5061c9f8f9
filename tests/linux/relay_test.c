/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real sockets over two TUN devices in two network namespaces, joined by a relay that does to every
 * packet what the data plane does, except encryption:
 *
 *   socket - [ tun in a ] - cut - copy - coalesce - [ tun in b ] - socket
 *
 * Streams must arrive byte for byte without a single loss, datagrams with their
 * boundaries.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "coalesce.h"
#include "linux/plane/csum_fast.h"
#include "packets.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define STREAM  (8U << 20)
#define SECONDS 120
#define BURST   (512U * 1024)
#define ROOM    66000U

struct side {
    int netns, tun, listener, udp;
};

static struct side a = {-1, -1, -1, -1}, b = {-1, -1, -1, -1};
static const char *missing;
static bool have_uso, made;
static int target; /* where the coalescer writes */
static uint64_t packets, supers_read, supers_written;
static dco_csum_fn *csum;
static struct dco_coalescer coalescer;

static void
emitted(void *arg, struct dco_super *s)
{
    struct iovec iov[1 + DCO_COALESCE_PIECES] = {{&s->vnet, sizeof(s->vnet)}};

    (void)arg;
    for (uint32_t i = 0; i < s->pieces; i++)
        iov[1 + i] = (struct iovec){s->piece[i].data, s->piece[i].len};
    CHECK_EQ(writev(target, iov, (int)(1 + s->pieces)), (ssize_t)(sizeof(s->vnet) + s->len));
    supers_written += s->pieces > 1;
}

static bool
make_tun(struct side *s)
{
    const unsigned base = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};

    if (unshare(CLONE_NEWNET) != 0)
        return false;
    s->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    s->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    memcpy(ifr.ifr_name, "tun0", 5);
    if (s->tun < 0 || ioctl(s->tun, TUNSETIFF, &ifr) != 0)
        return false;
    have_uso = ioctl(s->tun, TUNSETOFFLOAD, base | TUN_F_USO4 | TUN_F_USO6) == 0;
    return have_uso || ioctl(s->tun, TUNSETOFFLOAD, base) == 0;
}

static struct sockaddr_in6
address(bool v6, unsigned host, uint16_t port)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    char text[32];

    snprintf(text, sizeof(text), v6 ? "fd00:9::%u" : "::ffff:10.9.0.%u", host);
    inet_pton(AF_INET6, text, &sin6.sin6_addr);
    return sin6;
}

/* Sockets stay in the namespace they were made in. Tail loss probes are off: they repeat what was
 * not lost when this program is slow. */
static bool
make_side(struct side *s, unsigned host)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(5000)};
    char command[400];
    int on = 1;

    if (!make_tun(s))
        return false;
    snprintf(command, sizeof(command),
             "ip link set lo up; ip link set tun0 mtu 1420 up && "
             "ip address add 10.9.0.%u/24 dev tun0 && "
             "ip -6 address add fd00:9::%u/64 dev tun0 nodad && "
             "echo 0 >/proc/sys/net/ipv4/tcp_early_retrans",
             host, host);
    CHECK(system(command) == 0);
    s->listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    s->udp = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    CHECK(bind(s->listener, (struct sockaddr *)&any, sizeof(any)) == 0);
    CHECK(listen(s->listener, 4) == 0);
    CHECK(bind(s->udp, (struct sockaddr *)&any, sizeof(any)) == 0);
    return true;
}

static bool
ready(void)
{
    if (!made && !missing) {
        made = make_side(&a, 1) && make_side(&b, 2);
        if (!made)
            missing = "network namespaces or TUN devices may not be made";
        csum = csum_best();
        dco_coalescer_init(&coalescer, csum, emitted, NULL, true, have_uso);
    }
    if (missing)
        test_skip(missing);
    return made;
}

/* One read super-packet: its segments are copied, as encryption and decryption do. */
static uint32_t
cut_and_copy(uint8_t *pkt, uint32_t len, const struct dco_vnet *vnet, uint8_t *burst)
{
    struct dco_inner inner;
    struct dco_cut cut;
    uint32_t at = 0, seg_len;
    uint8_t *seg;

    CHECK(dco_inner_parse(pkt, len, &inner));
    CHECK(dco_segment_plan(&cut, vnet, pkt, len, &inner, csum));
    supers_read += cut.n > 1;
    packets += cut.n;
    for (uint32_t i = 0; i < cut.n; i++) {
        seg = dco_segment_next(&cut, i, &seg_len, csum);
        CHECK(seg_len <= 1420);
        memcpy(burst + at, seg, seg_len);
        CHECK(dco_inner_parse(burst + at, seg_len, &inner));
        dco_coalesce_add(&coalescer, burst + at, seg_len, &inner);
        at += seg_len;
    }
    return at;
}

static void
relay(struct side *from, struct side *to)
{
    static uint8_t pkt[ROOM], burst[BURST];
    struct dco_vnet vnet;
    struct iovec iov[2] = {{&vnet, sizeof(vnet)}, {pkt, sizeof(pkt)}};
    uint32_t at = 0;
    ssize_t n;

    target = to->tun;
    /* twice the room: small segments have more headers than payload */
    while (at + 2 * ROOM < BURST && (n = readv(from->tun, iov, 2)) > (ssize_t)sizeof(vnet))
        at += cut_and_copy(pkt, (uint32_t)n - (uint32_t)sizeof(vnet), &vnet, burst + at);
    dco_coalesce_flush(&coalescer);
}

static void
relay_both(int timeout_ms)
{
    struct pollfd p[2] = {{.fd = a.tun, .events = POLLIN}, {.fd = b.tun, .events = POLLIN}};

    poll(p, 2, timeout_ms);
    relay(&a, &b);
    relay(&b, &a);
}

static time_t
deadline(void)
{
    return time(NULL) + SECONDS;
}

static int
accept_one(time_t until)
{
    int fd = -1;

    while (fd < 0 && time(NULL) < until) {
        relay_both(1);
        fd = accept4(b.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    return fd;
}

/* A stream whose byte at each place is known, written and read in random portions. */
static void
pump(int out, int in, struct rng *rng, time_t until)
{
    static uint8_t data[1 << 16], got[1 << 16];
    uint64_t sent = 0, received = 0;
    ssize_t n;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i % 32768 * 2654435761U >> 13);
    while (received < STREAM && time(NULL) < until) {
        uint64_t at = sent % 32768, want = 1 + rng_below(rng, 32768);

        if (want > STREAM - sent)
            want = STREAM - sent;
        n = want ? send(out, data + at, want, MSG_NOSIGNAL) : 0;
        sent += n > 0 ? (uint64_t)n : 0;
        relay_both(0);
        while ((n = recv(in, got, 1 + rng_below(rng, 32768), 0)) > 0) {
            for (ssize_t i = 0; i < n; i++) {
                CHECK_EQ(got[i], data[(received + (uint64_t)i) % 32768]);
            }
            received += (uint64_t)n;
        }
    }
    CHECK_EQ((long long)received, STREAM);
}

static int
connect_from(struct side *s, const struct sockaddr_in6 *to)
{
    int fd;

    CHECK(setns(s->netns, CLONE_NEWNET) == 0);
    fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(connect(fd, (const struct sockaddr *)to, sizeof(*to)) == -1 && errno == EINPROGRESS);
    return fd;
}

/* Retransmissions that the other end needed: it reports those it did not (RFC 2883). */
static int
lost(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    CHECK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
    return (int)info.tcpi_total_retrans - (int)info.tcpi_dsack_dups;
}

/* Whether nothing was lost in the end. The last report may still be on its way. */
static bool
nothing_lost(int fd, time_t until)
{
    while (lost(fd) > 0 && time(NULL) < until)
        relay_both(10);
    return lost(fd) <= 0;
}

static void
stream(bool v6)
{
    struct rng rng = test_rng();
    struct sockaddr_in6 to = address(v6, 2, 5000);
    time_t until = deadline();
    int out, in;

    if (!ready())
        return;
    packets = supers_read = supers_written = 0;
    out = connect_from(&a, &to);
    in = accept_one(until);
    CHECK(in >= 0);
    pump(out, in, &rng, until); /* one way, and back */
    pump(in, out, &rng, until);
    CHECK(nothing_lost(out, until));
    CHECK(nothing_lost(in, until));
    printf("# %" PRIu64 " packets; super-packets: %" PRIu64 " read, %" PRIu64 " written\n", packets,
           supers_read, supers_written);
    CHECK(supers_read > 0 && supers_written > 0);
    close(in);
    close(out);
}

TEST("a TCP stream over IPv4 arrives unchanged")
{
    stream(false);
}

TEST("a TCP stream over IPv6 arrives unchanged")
{
    stream(true);
}

/* Sends len bytes as datagrams of size bytes, and expects them one by one at the other side. */
static void
datagrams(const struct sockaddr_in6 *to, const uint8_t *data, size_t len, int size)
{
    static uint8_t got[ROOM];
    time_t until = deadline();
    size_t at = 0;
    ssize_t n;

    CHECK(setsockopt(a.udp, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)) == 0);
    n = sendto(a.udp, data, len, 0, (const struct sockaddr *)to, sizeof(*to));
    CHECK_EQ(n, (ssize_t)len);
    while (at < len && time(NULL) < until) {
        relay_both(1);
        while ((n = recv(b.udp, got, sizeof(got), 0)) > 0) {
            size_t want = len - at < (size_t)size ? len - at : (size_t)size;

            CHECK_EQ(n, (ssize_t)want);
            CHECK_MEM(got, data + at, want);
            at += want;
        }
    }
    CHECK_EQ(at, len);
}

static void
datagrams_over(bool v6)
{
    static uint8_t data[60000];
    struct rng rng = test_rng();
    struct sockaddr_in6 to = address(v6, 2, 5000);

    if (!ready())
        return;
    packets = supers_read = supers_written = 0;
    rng_bytes(&rng, data, sizeof(data));
    for (unsigned i = 0; i < test_rounds(300); i++) {
        int size = 1 + (int)rng_below(&rng, 1372);
        size_t most = (size_t)size * 60 < sizeof(data) ? (size_t)size * 60 : sizeof(data);

        datagrams(&to, data, 1 + rng_below(&rng, (uint32_t)most), size);
    }
    printf("# %" PRIu64 " packets; super-packets: %" PRIu64 " read, %" PRIu64 " written\n", packets,
           supers_read, supers_written);
    CHECK(!have_uso || (supers_read > 0 && supers_written > 0));
}

TEST("UDP datagrams over IPv4 arrive unchanged")
{
    datagrams_over(false);
}

TEST("UDP datagrams over IPv6 arrive unchanged")
{
    datagrams_over(true);
}
