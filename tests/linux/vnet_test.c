/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compares segment.h and coalesce.h with the kernel, through real TUN devices in a network
 * namespace of its own:
 *
 *   super-packet --> [ in0, all offloads ] --> routing --> [ out0, no offloads ] --> packets
 *
 * The kernel takes a super-packet from in0 and has to segment it for out0, one hop further. What
 * dco_segment_next() makes of the same super-packet must be the same, byte for byte; and what
 * coalescing made of packets must come out as these packets.
 */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bytes.h"
#include "coalesce.h"
#include "linux/plane/tun_batch.h"
#include "packets.h"

/* Headers of Linux 6.1 lack these two. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define WAIT_MS 1000
#define HOPS    64

static int in_fd = -1, out_fd = -1;
static bool have_uso;
static const char *missing;

static int
open_tun(const char *name)
{
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return -1;
    memcpy(ifr.ifr_name, name, strlen(name));
    if (ioctl(fd, TUNSETIFF, &ifr) == 0)
        return fd;
    close(fd);
    return -1;
}

static void
run(const char *command)
{
    CHECK(system(command) == 0);
}

/* Sets missing, or the two devices and the routes between them. */
static void
set_up(void)
{
    const unsigned base = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

    if (unshare(CLONE_NEWNET) != 0) {
        missing = "a network namespace may not be made";
        return;
    }
    in_fd = open_tun("in0");
    out_fd = open_tun("out0");
    if (in_fd < 0 || out_fd < 0) {
        missing = "a TUN device may not be made";
        return;
    }
    have_uso = ioctl(in_fd, TUNSETOFFLOAD, base | TUN_F_USO4 | TUN_F_USO6) == 0;
    if (!have_uso)
        CHECK(ioctl(in_fd, TUNSETOFFLOAD, base) == 0);
    CHECK(ioctl(out_fd, TUNSETOFFLOAD, 0) == 0);
    run("for d in in0 out0; do ip link set $d addrgenmode none mtu 65535 up || exit 1; done;"
        "ip address add 192.0.2.1/32 dev in0; ip -6 address add 2001:db8::1/128 dev in0;"
        "ip route add 10.8.0.200/32 dev out0; ip route add 10.8.0.0/24 dev in0;"
        "ip -6 route add fd00::c8/128 dev out0; ip -6 route add fd00::/64 dev in0;"
        "cd /proc/sys/net; echo 1 >ipv4/ip_forward; echo 1 >ipv6/conf/all/forwarding;"
        "for d in all in0 out0; do echo 0 >ipv4/conf/$d/rp_filter; done");
}

static bool
ready(bool udp)
{
    if (!missing && in_fd < 0)
        set_up();
    if (missing)
        test_skip(missing);
    else if (udp && !have_uso)
        test_skip("this kernel's TUN has no UDP segmentation offload");
    else
        return true;
    return false;
}

/* The next packet of ours that leaves out0; the kernel's own (ICMPv6, alone or after a hop-by-hop
 * header) are left out.
 * 0 if none comes. */
static uint32_t
read_out(uint8_t *pkt, size_t room)
{
    struct pollfd p = {.fd = out_fd, .events = POLLIN};
    struct dco_vnet vnet;
    struct iovec iov[2] = {{&vnet, sizeof(vnet)}, {pkt, room}};
    ssize_t n;

    while (poll(&p, 1, WAIT_MS) == 1) {
        n = readv(out_fd, iov, 2);
        if (n < (ssize_t)sizeof(vnet) + 20)
            continue;
        n -= (ssize_t)sizeof(vnet);
        if (pkt[0] >> 4 == 6 && (pkt[6] == 58 || pkt[6] == 0))
            continue;
        CHECK(vnet.flags == 0 && vnet.gso_type == 0);
        return (uint32_t)n;
    }
    return 0;
}

static void
one_hop(uint8_t *pkt)
{
    uint8_t *ttl = pkt + (pkt[0] >> 4 == 4 ? 8 : 7);

    (*ttl)--;
    if (pkt[0] >> 4 == 4) {
        memset(pkt + 10, 0, 2);
        dco_write16(pkt + 10, (uint16_t)~packet_sum(pkt, (pkt[0] & 15U) * 4));
    }
}

/* Both forms of a zero sum are right in TCP, and the kernel uses either. */
static bool
same_packet(uint8_t *a, uint32_t a_len, uint8_t *b, uint32_t b_len)
{
    uint32_t l4 = a[0] >> 4 == 4 ? (a[0] & 15U) * 4 : 40;
    uint8_t protocol = a[0] >> 4 == 4 ? a[9] : a[6];

    if (a_len == b_len && protocol == DCO_PROTO_TCP && packet_is_right(a, a_len) &&
        packet_is_right(b, b_len))
        memcpy(a + l4 + 16, b + l4 + 16, 2);
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static uint8_t super[70000], copy[70000];

/* Gives a super-packet to the kernel and, one hop older, to dco_segment_next(). */
static bool
cut_like_kernel(const struct packet *p, uint16_t gso, struct rng *rng)
{
    static uint8_t got[70000];
    uint32_t len = packet_write(p, super, rng), got_len, seg_len;
    struct iovec iov[2] = {{NULL, sizeof(struct dco_vnet)}, {super, len}};
    struct dco_vnet vnet = {0};
    struct dco_inner inner;
    struct dco_cut cut;
    uint8_t *seg;

    packet_leave_checksum(super, len, &vnet);
    vnet.gso_size = gso;
    vnet.hdr_len = (uint16_t)packet_headers(super);
    vnet.gso_type = p->protocol == DCO_PROTO_UDP ? DCO_VNET_GSO_UDP_L4
                    : p->version == 4            ? DCO_VNET_GSO_TCPV4
                                                 : DCO_VNET_GSO_TCPV6;
    if (p->protocol == DCO_PROTO_TCP && (p->flags & PACKET_TCP_CWR))
        vnet.gso_type |= DCO_VNET_GSO_ECN;
    memcpy(copy, super, len);
    iov[0].iov_base = &vnet;
    CHECK_EQ(writev(in_fd, iov, 2), (ssize_t)(sizeof(vnet) + len));
    one_hop(copy);
    CHECK(dco_inner_parse(copy, len, &inner));
    CHECK(dco_segment_plan(&cut, &vnet, copy, len, &inner, dco_csum));
    for (uint32_t i = 0; i < cut.n; i++) {
        got_len = read_out(got, sizeof(got));
        seg = dco_segment_next(&cut, i, &seg_len, dco_csum);
        CHECK_THAT(same_packet(seg, seg_len, got, got_len),
                   "segment %u of %u (%u bytes, the kernel has %u)", i, cut.n, seg_len, got_len);
    }
    return true;
}

static void
cut_random(uint8_t protocol)
{
    struct rng rng = test_rng();
    unsigned rounds = test_rounds(150);

    for (unsigned i = 0; i < rounds; i++) {
        struct packet p = packet_make(i % 2 ? 4 : 6, protocol, 0);
        uint16_t gso = (uint16_t)(1 + rng_below(&rng, rng_chance(&rng, 10) ? 60 : 1400));
        uint32_t most = gso * 100U < 60000 ? gso * 100U : 60000;

        p.ttl = HOPS;
        p.payload_len = gso + 1 + rng_below(&rng, most - gso);
        p.df = rng_chance(&rng, 50);
        p.id = (uint16_t)(65535 - rng_below(&rng, 5));
        p.seq = (uint32_t)rng_next(&rng);
        p.tos = (uint8_t)rng_next(&rng);
        p.options_len = (uint8_t)(4 * rng_below(&rng, 11));
        p.ip_options_len = rng_chance(&rng, 20) ? 8 : 0;
        memset(p.options, 1, sizeof(p.options));
        p.flags = PACKET_TCP_ACK | (uint8_t)(rng_next(&rng) & ~(uint64_t)PACKET_TCP_SYN);
        if (!cut_like_kernel(&p, gso, &rng))
            break;
    }
}

TEST("vnet: TCP super-packets are cut as the kernel cuts them")
{
    if (ready(false))
        cut_random(DCO_PROTO_TCP);
}

TEST("vnet: UDP super-packets are cut as the kernel cuts them")
{
    if (ready(true))
        cut_random(DCO_PROTO_UDP);
}

/* Every flag alone, so that a difference has a name. */
TEST("vnet: every TCP flag")
{
    struct rng rng = test_rng();

    if (!ready(false))
        return;
    for (unsigned bit = 0; bit < 8; bit++) {
        struct packet p = packet_make(4, DCO_PROTO_TCP, 500);

        p.flags = (uint8_t)(PACKET_TCP_ACK | 1U << bit);
        if (bit != 1)
            CHECK_THAT(cut_like_kernel(&p, 200, &rng), "flag bit %u", bit);
    }
}

/* Coalescing */

static unsigned supers;

static void
write_in(void *arg, struct dco_super *s)
{
    struct iovec iov[1 + DCO_COALESCE_PIECES] = {{&s->vnet, sizeof(s->vnet)}};

    (void)arg;
    for (uint32_t i = 0; i < s->pieces; i++)
        iov[1 + i] = (struct iovec){s->piece[i].data, s->piece[i].len};
    CHECK_EQ(writev(in_fd, iov, (int)(1 + s->pieces)), (ssize_t)(sizeof(s->vnet) + s->len));
    supers += s->pieces > 1;
}

/* The kernel refuses a header that is said to be longer than the packet. */
static struct tun_batch *batch;
static uint32_t lost;

static void
write_refused(void *arg, struct dco_super *s)
{
    (void)arg;
    supers += s->pieces > 1;
    if (s->pieces > 1)
        s->vnet.hdr_len = UINT16_MAX;
    lost += tun_batch_add(batch, in_fd, s);
}

/* n packets of a flow go through the coalescer into the kernel and must come out as they were. */
static bool
joined_like_kernel(const struct packet *first, unsigned n, dco_emit_fn *write, struct rng *rng)
{
    static struct dco_coalescer c;
    static uint8_t pkt[128][2000], want[128][2000], got[70000];
    struct packet p = *first;
    struct dco_inner inner;
    uint32_t len[128], got_len;

    dco_coalescer_init(&c, dco_csum, write, NULL, true, have_uso || batch != NULL);
    for (unsigned i = 0; i < n; i++) {
        if (i == n - 1) {
            p.payload_len = 1 + rng_below(rng, first->payload_len);
            p.flags |= PACKET_TCP_PSH;
        }
        len[i] = packet_write(&p, pkt[i], rng);
        memcpy(want[i], pkt[i], len[i]);
        one_hop(want[i]);
        CHECK(dco_inner_parse(pkt[i], len[i], &inner));
        dco_coalesce_add(&c, pkt[i], len[i], &inner);
        p.seq += p.payload_len;
        p.id++;
    }
    dco_coalesce_flush(&c);
    if (batch != NULL)
        lost += tun_batch_flush(batch);
    for (unsigned i = 0; i < n; i++) {
        got_len = read_out(got, sizeof(got));
        CHECK_THAT(got_len == len[i] && same_packet(want[i], len[i], got, got_len),
                   "packet %u of %u: %u bytes, not %u", i, n, got_len, len[i]);
    }
    return true;
}

static void
join_random(uint8_t protocol, dco_emit_fn *write)
{
    struct rng rng = test_rng();
    unsigned rounds = test_rounds(150);

    supers = 0;
    for (unsigned i = 0; i < rounds; i++) {
        struct packet p = packet_make(i % 2 ? 4 : 6, protocol,
                                      1 + rng_below(&rng, rng_chance(&rng, 20) ? 10 : 1400));

        p.df = rng_chance(&rng, 50);
        p.tos = (uint8_t)rng_next(&rng);
        p.id = (uint16_t)(65535 - rng_below(&rng, 5));
        p.seq = (uint32_t)rng_next(&rng);
        p.options_len = rng_chance(&rng, 50) ? 12 : 0;
        memset(p.options, 1, sizeof(p.options));
        if (!joined_like_kernel(&p, 1 + rng_below(&rng, 100), write, &rng))
            break;
    }
    CHECK(supers > rounds / 2);
}

TEST("vnet: coalesced TCP comes out of the kernel as it was")
{
    if (ready(false))
        join_random(DCO_PROTO_TCP, write_in);
}

TEST("vnet: coalesced UDP comes out of the kernel as it was")
{
    if (ready(true))
        join_random(DCO_PROTO_UDP, write_in);
}

static void
join_refused(void)
{
    struct packet p = packet_make(4, DCO_PROTO_TCP, 1000);
    struct rng rng = test_rng();

    if (!ready(false))
        return;
    batch = tun_batch_new();
    CHECK(batch != NULL);
    lost = 0;
    CHECK(joined_like_kernel(&p, 100, write_refused, &rng)); /* two super-packets in one batch */
    join_random(DCO_PROTO_TCP, write_refused);
    join_random(DCO_PROTO_UDP, write_refused);
    CHECK_EQ(lost, 0);
    tun_batch_free(batch);
    batch = NULL;
}

TEST("vnet: what the kernel refuses joined comes out as it was, written together")
{
    join_refused();
}

TEST("vnet: what the kernel refuses joined comes out as it was, written one by one")
{
    setenv("OPENDCO_OFFLOADS_OFF", "tun-batch", 1);
    join_refused();
}
