/* SPDX-License-Identifier: BSD-2-Clause */
#include "bytes.h"
#include "packets.h"

static uint8_t super[65536 + 64];
static uint8_t before[65536 + 64];

static uint8_t
gso_type(const struct packet *p)
{
    if (p->protocol == DCO_PROTO_UDP)
        return DCO_VNET_GSO_UDP_L4;
    return p->version == 4 ? DCO_VNET_GSO_TCPV4 : DCO_VNET_GSO_TCPV6;
}

/* A super-packet as the stack hands it over; hdr_len is a hint there and says nothing. */
static uint32_t
write_super(const struct packet *p, uint16_t gso_size, struct dco_vnet *vnet, struct rng *rng)
{
    uint32_t len = packet_write(p, super, rng);

    memcpy(before, super, len);
    memset(vnet, 0, sizeof(*vnet));
    packet_leave_checksum(super, len, vnet);
    vnet->gso_type = gso_type(p);
    vnet->gso_size = gso_size;
    vnet->hdr_len = (uint16_t)rng_next(rng);
    return len;
}

static bool
plan(struct dco_cut *cut, const struct dco_vnet *vnet, uint32_t len)
{
    struct dco_inner inner;

    return dco_inner_parse(super, len, &inner) &&
           dco_segment_plan(cut, vnet, super, len, &inner, dco_csum);
}

/* Cuts and compares every segment with one made from scratch, and looks beyond the end. */
static bool
cut_agrees(const struct packet *p, uint16_t gso_size, struct rng *rng)
{
    static uint8_t want[65536 + 64];
    uint32_t len, n, hdr_len, seg_len, want_len;
    struct dco_vnet vnet;
    struct dco_cut cut;
    uint8_t *seg;

    len = write_super(p, gso_size, &vnet, rng);
    memset(super + len, 0x5a, sizeof(super) - len);
    hdr_len = packet_headers(before);
    n = (len - hdr_len + gso_size - 1) / gso_size;
    CHECK(plan(&cut, &vnet, len));
    CHECK_EQ(cut.n, n == 0 ? 1 : n);
    for (uint32_t i = 0; i < n; i++) {
        want_len = packet_segment(before, len, hdr_len, gso_size, i, want);
        seg = dco_segment_next(&cut, i, &seg_len, dco_csum);
        CHECK_EQ(seg_len, want_len);
        CHECK_MEM(seg, want, want_len);
        CHECK(packet_is_right(seg, seg_len));
    }
    for (size_t i = len; i < sizeof(super); i++) {
        CHECK(super[i] == 0x5a);
    }
    return true;
}

TEST("segment: 60000 bytes over each protocol")
{
    struct rng rng = test_rng();

    for (unsigned v = 4; v <= 6; v += 2) {
        struct packet p = packet_make((uint8_t)v, DCO_PROTO_TCP, 60000);

        p.flags = PACKET_TCP_ACK | PACKET_TCP_PSH;
        cut_agrees(&p, 1380, &rng);
        p = packet_make((uint8_t)v, DCO_PROTO_UDP, 60000);
        cut_agrees(&p, 1300, &rng);
    }
}

TEST("segment: every payload and segment size up to 100 and 40")
{
    struct rng rng = test_rng();

    for (unsigned v = 4; v <= 6; v += 2) {
        for (uint16_t gso = 1; gso <= 40; gso++) {
            for (uint32_t payload = 0; payload <= 100; payload++) {
                struct packet p = packet_make((uint8_t)v, DCO_PROTO_TCP, payload);

                if (payload > gso && !cut_agrees(&p, gso, &rng))
                    return;
                p = packet_make((uint8_t)v, DCO_PROTO_UDP, payload);
                if (payload > gso && !cut_agrees(&p, gso, &rng))
                    return;
            }
        }
    }
}

TEST("segment: every combination of TCP flags")
{
    struct rng rng = test_rng();

    for (unsigned flags = 0; flags < 256; flags++) {
        struct packet p = packet_make(flags & 1 ? 6 : 4, DCO_PROTO_TCP, 250);

        p.flags = (uint8_t)flags;
        cut_agrees(&p, 100, &rng);
    }
}

/* Ids and sequence numbers that wrap, options of every length, the largest packets. */
TEST("segment: random super-packets")
{
    struct rng rng = test_rng();
    unsigned rounds = test_rounds(300);

    for (unsigned i = 0; i < rounds; i++) {
        struct packet p = packet_make(rng_chance(&rng, 50) ? 4 : 6,
                                      rng_chance(&rng, 60) ? DCO_PROTO_TCP : DCO_PROTO_UDP, 0);
        uint16_t gso = (uint16_t)(1 + rng_below(&rng, rng_chance(&rng, 20) ? 65000 : 1500));
        uint32_t room = 65535 - 60 - 60;

        p.flags = (uint8_t)rng_next(&rng);
        p.id = (uint16_t)(65535 - rng_below(&rng, 4));
        p.seq = (uint32_t)rng_next(&rng);
        p.df = rng_chance(&rng, 50);
        p.tos = (uint8_t)rng_next(&rng);
        p.options_len = (uint8_t)(4 * rng_below(&rng, 11));
        p.ip_options_len = (uint8_t)(4 * rng_below(&rng, 11));
        rng_bytes(&rng, p.options, sizeof(p.options));
        p.payload_len = gso + 1U + rng_below(&rng, rng_chance(&rng, 70) ? 6000 : room);
        if (p.payload_len > room)
            p.payload_len = room;
        if (p.payload_len > gso)
            cut_agrees(&p, gso, &rng);
    }
}

TEST("segment: a checksum to finish and nothing to cut")
{
    struct rng rng = test_rng();
    struct dco_vnet vnet;
    struct dco_cut cut;
    uint32_t len, seg_len;

    for (unsigned i = 0; i < 400; i++) {
        struct packet p = packet_make(i & 1 ? 4 : 6, i & 2 ? DCO_PROTO_TCP : DCO_PROTO_UDP, i);

        len = write_super(&p, 0, &vnet, &rng);
        vnet.gso_type = DCO_VNET_GSO_NONE;
        CHECK(plan(&cut, &vnet, len));
        CHECK_EQ(cut.n, 1);
        CHECK(packet_is_right(super, len));
        CHECK(dco_segment_next(&cut, 0, &seg_len, dco_csum) == super);
        CHECK_EQ(seg_len, len);
        /* no flag: not a byte changes */
        memset(&vnet, 0, sizeof(vnet));
        memcpy(before, super, len);
        CHECK(plan(&cut, &vnet, len));
        CHECK_MEM(before, super, len);
    }
}

/* A UDP checksum of 0 means none, so the sum's other zero is sent. */
TEST("segment: UDP checksums that come out as 0")
{
    struct rng rng = test_rng();
    struct packet p = packet_make(4, DCO_PROTO_UDP, 2);
    struct dco_vnet vnet;
    struct dco_cut cut;
    uint32_t len = write_super(&p, 0, &vnet, &rng);

    vnet.gso_type = DCO_VNET_GSO_NONE;
    memset(super + 28, 0, 2);
    dco_write16(super + 28, (uint16_t)~packet_sum(super + 20, 10));
    CHECK(plan(&cut, &vnet, len));
    CHECK_EQ(dco_read16(super + 26), 0xffff);
    CHECK(packet_is_right(super, len));

    p = packet_make(4, DCO_PROTO_UDP, 4);
    len = write_super(&p, 2, &vnet, &rng);
    memset(super + 28, 0, 4);
    memcpy(before, super, len);
    packet_segment(before, len, 28, 2, 0, before + 1000);
    dco_write16(super + 28, dco_read16(before + 1026)); /* makes the sum of segment 0 all ones */
    CHECK(plan(&cut, &vnet, len));
    CHECK(dco_segment_next(&cut, 0, &len, dco_csum) == super);
    CHECK_EQ(dco_read16(super + 26), 0xffff);
    CHECK(packet_is_right(super, len));
}

/* A super-packet that is no longer than one segment leaves as it is, checksum completed. */
TEST("segment: super-packets of one segment")
{
    struct rng rng = test_rng();
    struct dco_vnet vnet;
    struct dco_cut cut;

    for (unsigned i = 0; i < 8; i++) {
        struct packet p =
            packet_make(i & 1 ? 4 : 6, i & 2 ? DCO_PROTO_TCP : DCO_PROTO_UDP, i & 4 ? 100 : 0);
        uint32_t len = write_super(&p, 100, &vnet, &rng);

        CHECK(plan(&cut, &vnet, len));
        CHECK_EQ(cut.n, 1);
        CHECK_MEM(super, before, len);
    }
}

enum { TCP4, TCP6, UDP4 };

TEST("segment: inconsistent segmentation headers")
{
    static const struct {
        const char *what;
        uint8_t type, gso, flags;
        int start, offset; /* -1: as it should be */
        uint16_t size;
    } t[] = {
        {"gso_size of 0", TCP4, DCO_VNET_GSO_TCPV4, 1, -1, -1, 0},
        {"TCPv6 type on IPv4", TCP4, DCO_VNET_GSO_TCPV6, 1, -1, -1, 100},
        {"TCPv4 type on IPv6", TCP6, DCO_VNET_GSO_TCPV4, 1, -1, -1, 100},
        {"UDP type on TCP", TCP4, DCO_VNET_GSO_UDP_L4, 1, -1, -1, 100},
        {"TCP type on UDP", UDP4, DCO_VNET_GSO_TCPV4, 1, -1, -1, 100},
        {"UDP fragmentation offload", UDP4, 3, 1, -1, -1, 100},
        {"unknown type", TCP4, 2, 1, -1, -1, 100},
        {"ECN without a type", TCP4, DCO_VNET_GSO_ECN, 1, -1, -1, 100},
        {"checksum starts elsewhere", TCP4, DCO_VNET_GSO_TCPV4, 1, 24, -1, 100},
        {"checksum lies elsewhere", TCP4, DCO_VNET_GSO_TCPV4, 1, -1, 6, 100},
        {"checksum lies elsewhere", UDP4, DCO_VNET_GSO_UDP_L4, 1, -1, 16, 100},
        {"start within the IP header", TCP4, DCO_VNET_GSO_NONE, 1, 19, -1, 0},
        {"start beyond the packet", TCP4, DCO_VNET_GSO_NONE, 1, 1040, -1, 0},
        {"start far beyond the packet", TCP4, DCO_VNET_GSO_NONE, 1, 65535, -1, 0},
        {"field beyond the packet", TCP4, DCO_VNET_GSO_NONE, 1, -1, 1019, 0},
        {"both at the end of their range", TCP4, DCO_VNET_GSO_NONE, 1, 65535, 65535, 0},
    };
    struct rng rng = test_rng();
    struct dco_vnet vnet;
    struct dco_cut cut;

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct packet p = packet_make(t[i].type == TCP6 ? 6 : 4,
                                      t[i].type == UDP4 ? DCO_PROTO_UDP : DCO_PROTO_TCP, 1000);
        uint32_t len = write_super(&p, t[i].size, &vnet, &rng);

        vnet.gso_type = t[i].gso;
        vnet.flags = t[i].flags;
        if (t[i].start >= 0)
            vnet.csum_start = (uint16_t)t[i].start;
        if (t[i].offset >= 0)
            vnet.csum_offset = (uint16_t)t[i].offset;
        memcpy(before, super, len);
        CHECK_THAT(!plan(&cut, &vnet, len), "%s", t[i].what);
        CHECK_THAT(memcmp(before, super, len) == 0, "%s: bytes", t[i].what);
    }
}

TEST("segment: inconsistent packets")
{
    struct rng rng = test_rng();
    struct packet p = packet_make(4, DCO_PROTO_TCP, 1000);
    struct dco_inner inner;
    struct dco_vnet vnet;
    struct dco_cut cut;
    uint32_t len;

    for (unsigned words = 0; words < 16; words++) {
        len = write_super(&p, 100, &vnet, &rng);
        super[32] = (uint8_t)(words << 4);
        CHECK_EQ(plan(&cut, &vnet, len), words >= 5);
    }
    p.payload_len = 10; /* a data offset beyond the end */
    len = write_super(&p, 5, &vnet, &rng);
    super[32] = 8 << 4;
    CHECK(!plan(&cut, &vnet, len));
    /* padding, a fragment, no transport header, more than 64 KiB */
    p.payload_len = 1000;
    len = write_super(&p, 100, &vnet, &rng);
    CHECK(!plan(&cut, &vnet, len + 1));
    dco_write16(super + 6, 0x2000);
    CHECK(!plan(&cut, &vnet, len));
    len = write_super(&p, 100, &vnet, &rng);
    for (uint32_t cut_at = 20; cut_at < 40; cut_at++) {
        uint8_t *exact = malloc(cut_at);

        if (!exact)
            abort();
        dco_write16(super + 2, (uint16_t)cut_at);
        memcpy(exact, super, cut_at);
        CHECK(dco_inner_parse(exact, cut_at, &inner));
        CHECK(!dco_segment_plan(&cut, &vnet, exact, cut_at, &inner, dco_csum));
        free(exact);
    }
    p.payload_len = 65537 - 40;
    len = write_super(&p, 100, &vnet, &rng);
    CHECK(dco_inner_parse(super, len, &inner));
    CHECK(!dco_segment_plan(&cut, &vnet, super, len, &inner, dco_csum));
}
