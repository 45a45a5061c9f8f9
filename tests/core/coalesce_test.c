/* SPDX-License-Identifier: BSD-2-Clause */
#include "coalesce.h"

#include "bytes.h"
#include "packets.h"

#define PACKETS 600
#define ROOM    2048
#define OUT_MAX (PACKETS + 1)

/* What went in, and what came out: bytes of each super-packet joined to one. */
static uint8_t in[PACKETS][ROOM];
static uint32_t in_len[PACKETS];
static unsigned in_n;

struct out {
    struct dco_vnet vnet;
    uint32_t len, packets;
    uint8_t *bytes;
};
static struct out out[OUT_MAX];
static unsigned out_n;

static struct dco_coalescer c;
static struct rng rng;

static void
collect(void *arg, struct dco_super *super)
{
    struct out *o = &out[out_n++];
    uint32_t at = 0;

    CHECK(arg == &c);
    if (out_n == OUT_MAX)
        abort();
    o->vnet = super->vnet;
    o->len = super->len;
    o->packets = super->pieces;
    o->bytes = malloc(super->len);
    CHECK(super->pieces >= 1 && super->pieces <= DCO_COALESCE_PIECES);
    for (uint32_t i = 0; i < super->pieces; i++) {
        CHECK(at + super->piece[i].len <= super->len);
        memcpy(o->bytes + at, super->piece[i].data, super->piece[i].len);
        at += (uint32_t)super->piece[i].len;
    }
    CHECK_EQ(at, super->len);
}

static void
start(void)
{
    for (unsigned i = 0; i < out_n; i++)
        free(out[i].bytes);
    in_n = out_n = 0;
    dco_coalescer_init(&c, dco_csum, collect, &c, true, true);
}

static uint8_t *
put(const struct packet *p)
{
    in_len[in_n] = packet_write(p, in[in_n], &rng);
    return in[in_n++];
}

static void
give(unsigned from)
{
    struct dco_inner inner;

    for (unsigned i = from; i < in_n; i++) {
        CHECK(dco_inner_parse(in[i], in_len[i], &inner));
        dco_coalesce_add(&c, in[i], in_len[i], &inner);
    }
}

static void
give_all(void)
{
    give(0);
    dco_coalesce_flush(&c);
}

/* Two in a row as one flow sends them; the second as it was before mutation. */
static void
put_pair(uint8_t version, uint8_t protocol, uint32_t first, uint32_t second)
{
    struct packet p = packet_make(version, protocol, first);

    rng = test_rng();
    start();
    put(&p);
    p.seq += first;
    p.id++;
    p.payload_len = second;
    put(&p);
}

/* The super-packet, cut the way the kernel would, is what went in. */
static void
check_super(const struct out *o, const uint8_t (*want)[ROOM], const uint32_t *want_len, uint32_t n)
{
    static uint8_t seg[70000];
    uint32_t hdr_len = packet_headers(o->bytes), len;
    bool v4 = o->bytes[0] >> 4 == 4, tcp = (v4 ? o->bytes[9] : o->bytes[6]) == DCO_PROTO_TCP;
    uint32_t l4 = v4 ? 20 : 40;
    uint8_t psh = 0;
    uint16_t field;

    CHECK_EQ(o->packets, n);
    CHECK_EQ(o->vnet.flags, DCO_VNET_NEEDS_CSUM);
    CHECK_EQ(o->vnet.gso_type, !tcp ? DCO_VNET_GSO_UDP_L4
                               : v4 ? DCO_VNET_GSO_TCPV4
                                    : DCO_VNET_GSO_TCPV6);
    CHECK_EQ(o->vnet.hdr_len, hdr_len);
    CHECK_EQ(o->vnet.csum_start, l4);
    CHECK_EQ(o->vnet.csum_offset, tcp ? 16 : 6);
    CHECK_EQ(o->vnet.gso_size, want_len[0] - hdr_len);
    if (v4)
        CHECK_EQ(packet_sum(o->bytes, 20), 0xffff);
    CHECK_EQ(v4 ? dco_read16(o->bytes + 2) : dco_read16(o->bytes + 4) + 40U, o->len);
    if (!tcp)
        CHECK_EQ(dco_read16(o->bytes + l4 + 4), o->len - l4);

    /* the field holds the pseudo-header sum: finishing it gives a packet that verifies */
    field = (uint16_t)~packet_sum(o->bytes + l4, o->len - l4);
    dco_write16(o->bytes + l4 + (tcp ? 16 : 6), field);
    CHECK(packet_is_right(o->bytes, o->len));
    for (uint32_t i = 0; i < n; i++) {
        len = packet_segment(o->bytes, o->len, hdr_len, o->vnet.gso_size, i, seg);
        CHECK_EQ(len, want_len[i]);
        CHECK(packet_same_but_psh(seg, want[i], len));
        psh |= want[i][l4 + 13] & PACKET_TCP_PSH;
    }
    CHECK(!tcp || (seg[l4 + 13] & PACKET_TCP_PSH) == psh); /* it is not lost */
}

static const struct dco_vnet no_vnet;

static void
check_alone(const struct out *o, const uint8_t *want, uint32_t len)
{
    CHECK_EQ(o->packets, 1);
    CHECK_EQ(o->len, len);
    CHECK_MEM(&o->vnet, &no_vnet, sizeof(no_vnet));
    CHECK_MEM(o->bytes, want, len);
}

/* give() changes the packets in place: what is compared is kept aside. */
static uint8_t kept[PACKETS][ROOM];

static void
keep(void)
{
    memcpy(kept, in, sizeof(kept));
}

static void
check_joined(void)
{
    keep();
    give_all();
    CHECK_EQ(out_n, 1);
    check_super(&out[0], kept, in_len, in_n);
}

static void
check_apart(const char *what, unsigned number)
{
    keep();
    give_all();
    CHECK_THAT(out_n == in_n, "%s %u: joined", what, number);
    for (unsigned i = 0; i < in_n; i++)
        check_alone(&out[i], kept[i], in_len[i]);
}

static const struct {
    uint8_t version, protocol;
} family[] = {
    {4, DCO_PROTO_TCP},
    {6, DCO_PROTO_TCP},
    {4, DCO_PROTO_UDP},
    {6, DCO_PROTO_UDP},
};

TEST("coalesce: pairs by length")
{
    for (unsigned f = 0; f < 4; f++) {
        put_pair(family[f].version, family[f].protocol, 1000, 1000);
        check_joined();
        put_pair(family[f].version, family[f].protocol, 1000, 1);
        check_joined();
        put_pair(family[f].version, family[f].protocol, 1, 1);
        check_joined();
        put_pair(family[f].version, family[f].protocol, 1000, 1001);
        check_apart("a longer one", f);
        put_pair(family[f].version, family[f].protocol, 1000, 0);
        check_apart("an empty one", f);
        put_pair(family[f].version, family[f].protocol, 0, 0);
        check_apart("two empty ones", f);
    }
}

/* Every single bit of the second packet's headers, with checksums made right again. */
static bool
may_differ(unsigned f, unsigned byte, unsigned bit)
{
    unsigned l4 = family[f].version == 4 ? 20 : 40;

    if (family[f].version == 4 && (byte == 4 || byte == 5 || byte == 10 || byte == 11))
        return true; /* id of a packet that is not fragmented; the checksum is made again */
    if (byte < l4)
        return false;
    byte -= l4;
    if (family[f].protocol == DCO_PROTO_TCP)
        return byte == 16 || byte == 17 || (byte == 13 && (bit == 0 || bit == 3));
    return byte == 6 || byte == 7;
}

TEST("coalesce: every bit of the headers")
{
    struct dco_inner inner;

    for (unsigned f = 0; f < 4; f++) {
        unsigned headers = family[f].version == 4 ? 20 : 40;

        headers += family[f].protocol == DCO_PROTO_TCP ? 20 : 8;
        for (unsigned bit = 0; bit < headers * 8; bit++) {
            put_pair(family[f].version, family[f].protocol, 100, 100);
            in[1][bit / 8] ^= (uint8_t)(1U << bit % 8);
            if (!dco_inner_parse(in[1], in_len[1], &inner))
                continue;
            if (inner.l4 == (family[f].version == 4 ? 20 : 40) && inner.total == in_len[1] &&
                inner.protocol == family[f].protocol)
                packet_fix_checksums(in[1], in_len[1]);
            give_all();
            CHECK_THAT((out_n == 1) == may_differ(f, bit / 8, bit % 8),
                       "family %u, byte %u, bit %u", f, bit / 8, bit % 8);
        }
    }
}

/* A wrong checksum in either packet must reach the kernel as it is: it would be laundered. */
TEST("coalesce: every wrong bit stays visible")
{
    for (unsigned f = 0; f < 4; f++) {
        for (unsigned which = 0; which < 2; which++) {
            for (unsigned bit = 0; bit < 160 * 8; bit += bit < 60 * 8 ? 1 : 7) {
                put_pair(family[f].version, family[f].protocol, 100, 100);
                if (bit / 8 >= in_len[which])
                    continue;
                in[which][bit / 8] ^= (uint8_t)(1U << bit % 8);
                keep();
                for (unsigned i = 0; i < 2; i++) {
                    struct dco_inner inner;

                    if (dco_inner_parse(in[i], in_len[i], &inner))
                        dco_coalesce_add(&c, in[i], in_len[i], &inner);
                }
                dco_coalesce_flush(&c);
                for (unsigned i = 0; i < out_n; i++)
                    CHECK_THAT(out[i].packets == 1, "family %u, packet %u, bit %u", f, which, bit);
            }
        }
    }
}

TEST("coalesce: UDP without checksum")
{
    for (unsigned f = 2; f < 4; f++) {
        size_t headers = f == 2 ? 28 : 48;

        put_pair(family[f].version, DCO_PROTO_UDP, 100, 100);
        memset(in[1] + (f == 2 ? 26 : 46), 0, 2);
        check_apart("second without checksum", f);
        put_pair(family[f].version, DCO_PROTO_UDP, 100, 100);
        memset(in[0] + (f == 2 ? 26 : 46), 0, 2);
        check_apart("first without checksum", f);
        /* a payload for which "none" would also be the right sum */
        put_pair(family[f].version, DCO_PROTO_UDP, 100, 100);
        memset(in[1] + headers, 0, 2);
        packet_fix_checksums(in[1], in_len[1]);
        memcpy(in[1] + headers, in[1] + headers - 2, 2);
        memset(in[1] + headers - 2, 0, 2);
        check_apart("none is right by chance", f);
    }
}

/* Only ACK, with PSH and FIN at the end. */
TEST("coalesce: every combination of TCP flags")
{
    for (unsigned flags = 0; flags < 256; flags++) {
        bool plain = (flags & ~(unsigned)(PACKET_TCP_PSH | PACKET_TCP_FIN)) == PACKET_TCP_ACK;

        put_pair(4, DCO_PROTO_TCP, 100, 100);
        in[1][33] = (uint8_t)flags;
        packet_fix_checksums(in[1], in_len[1]);
        if (plain)
            check_joined();
        else
            check_apart("flags of the second", flags);
        put_pair(4, DCO_PROTO_TCP, 100, 100);
        in[0][33] = (uint8_t)flags;
        packet_fix_checksums(in[0], in_len[0]);
        if ((flags & ~(unsigned)PACKET_TCP_PSH) == PACKET_TCP_ACK)
            check_joined();
        else
            check_apart("flags of the first", flags);
    }
}

/* The next n packets of a flow. */
static void
put_flow(struct packet *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        put(p);
        p->seq += p->payload_len;
        p->id++;
    }
}

static void
check_counts(const unsigned *packets, unsigned n)
{
    unsigned at = 0;

    CHECK_EQ(out_n, n);
    for (unsigned i = 0; i < n; i++) {
        CHECK_THAT(out[i].packets == packets[i], "super-packet %u: %u packets, not %u", i,
                   out[i].packets, packets[i]);
        if (out[i].packets == 1)
            check_alone(&out[i], kept[at], in_len[at]);
        else
            check_super(&out[i], kept + at, in_len + at, packets[i]);
        at += packets[i];
    }
}
#define check_counts_are(...)                                                                      \
    do {                                                                                           \
        static const unsigned packets_[] = {__VA_ARGS__};                                          \
        check_counts(packets_, sizeof(packets_) / sizeof(packets_[0]));                            \
    } while (0)

TEST("coalesce: limits of a super-packet")
{
    struct packet p = packet_make(4, DCO_PROTO_UDP, 10);

    rng = test_rng();
    start();
    put_flow(&p, 300);
    keep();
    give_all();
    check_counts_are(128, 128, 44);

    start();
    p = packet_make(4, DCO_PROTO_TCP, 1440); /* 45 * 1440 + 40 <= 65535 */
    put_flow(&p, 100);
    keep();
    give_all();
    check_counts_are(45, 45, 10);

    start();
    p = packet_make(6, DCO_PROTO_TCP, 1436);
    p.seq = 0xffffff00; /* wraps */
    put_flow(&p, 100);
    keep();
    give_all();
    check_counts_are(45, 45, 10);
}

TEST("coalesce: gaps and retransmissions")
{
    struct packet p = packet_make(4, DCO_PROTO_TCP, 100);

    rng = test_rng();
    start();
    put_flow(&p, 3);
    p.seq++; /* one byte is missing */
    put_flow(&p, 3);
    p.seq -= 601; /* and once more from the start: retransmission */
    put_flow(&p, 2);
    keep();
    give_all();
    check_counts_are(3, 3, 2);
}

/* A shorter segment and FIN are each the last of a super-packet. PSH is not: it is advice to
 * deliver soon, and everything of a burst is delivered together. It is in the result if one had it.
 */
TEST("coalesce: short segments and FIN end a super-packet, PSH does not")
{
    struct packet p = packet_make(4, DCO_PROTO_TCP, 100);

    rng = test_rng();
    start();
    put_flow(&p, 2);
    p.payload_len = 99;
    put_flow(&p, 1);
    p.flags |= PACKET_TCP_PSH;
    put_flow(&p, 2);
    p.flags = PACKET_TCP_ACK;
    put_flow(&p, 2);
    p.flags |= PACKET_TCP_PSH;
    put_flow(&p, 2);
    p.flags = PACKET_TCP_ACK;
    put_flow(&p, 2);
    p.flags |= PACKET_TCP_FIN;
    put_flow(&p, 1);
    keep();
    give_all();
    check_counts_are(3, 9);
}

/* The id of packets that may be fragmented names them, so it has to count; others are free. */
TEST("coalesce: IPv4 ids")
{
    struct packet p = packet_make(4, DCO_PROTO_UDP, 100);
    static const int step[] = {0, 1, 2, -1, 100};

    for (unsigned df = 0; df < 2; df++) {
        for (unsigned i = 0; i < 5; i++) {
            rng = test_rng();
            start();
            p.df = df != 0;
            p.id = 65535;
            put(&p);
            p.id = (uint16_t)(p.id + step[i]);
            put(&p);
            give_all();
            CHECK_EQ(out_n, df || step[i] == 1 ? 1 : 2);
        }
        start();
        p.id = 65530;
        put_flow(&p, 12);
        check_joined();
    }
}

/* What cannot be joined does not overtake its flow, and leaves others alone. */
TEST("coalesce: order within a flow")
{
    struct packet p;

    for (unsigned f = 0; f < 4; f++) {
        rng = test_rng();
        for (unsigned kind = 0; kind < 4; kind++) {
            start();
            p = packet_make(family[f].version, family[f].protocol, 100);
            put_flow(&p, 2);
            if (kind == 0) {
                p.payload_len = 0; /* a pure ACK, an empty datagram */
                put(&p);
            } else if (kind == 1) { /* a fragment of anything between the two hosts */
                put(&p);
                if (family[f].version == 4)
                    dco_write16(in[2] + 6, 0x2000);
                else
                    in[2][6] = 44;
            } else if (kind == 2) { /* cut off after the first port */
                p.payload_len = 0;
                put(&p);
                in_len[2] = (family[f].version == 4 ? 20U : 40U) + 3;
                if (family[f].version == 4)
                    dco_write16(in[2] + 2, (uint16_t)in_len[2]);
                else
                    dco_write16(in[2] + 4, 3);
                in[2][in_len[2]] ^= 1; /* what lies beyond is not its port */
            } else {                   /* a wrong checksum */
                put(&p);
                in[2][in_len[2] - 1] ^= 1;
            }
            p.payload_len = 100;
            put_flow(&p, 2);
            keep();
            give_all();
            CHECK_EQ(out_n, 3);
            CHECK_EQ(out[0].packets, 2);
            check_alone(&out[1], kept[2], in_len[2]);
            CHECK_EQ(out[2].packets, 2);
        }
    }
}

/* An interleaved second flow keeps growing while the first is flushed. */
TEST("coalesce: flows do not disturb each other")
{
    struct packet a = packet_make(4, DCO_PROTO_TCP, 100), b = a, ack;

    rng = test_rng();
    start();
    b.sport++;
    for (unsigned i = 0; i < 10; i++) {
        put(&a);
        put(&b);
        a.seq += 100;
        a.id++;
        b.seq += 100;
        b.id++;
        if (i == 4) {
            ack = a;
            ack.payload_len = 0;
            put(&ack);
        }
    }
    give_all();
    CHECK_EQ(out_n, 4);
    CHECK_EQ(out[0].packets, 5); /* the first flow up to its ACK */
    CHECK_EQ(out[1].packets, 1);
    CHECK_EQ(out[2].packets, 10); /* the second, which is older than the rest of the first */
    CHECK_EQ(out[3].packets, 5);
}

/* Same ports between other hosts, other protocol, other direction: not the same flow. */
TEST("coalesce: look-alikes")
{
    struct packet a, b;

    for (unsigned kind = 0; kind < 5; kind++) {
        rng = test_rng();
        start();
        a = packet_make(4, DCO_PROTO_UDP, 100);
        b = a;
        if (kind == 0)
            b.host = 7;
        else if (kind == 1)
            b.sport++;
        else if (kind == 2)
            b.dport++;
        else if (kind == 3)
            b.protocol = DCO_PROTO_TCP;
        else
            b.version = 6;
        put(&a);
        put(&b);
        put(&a);
        put(&b);
        if (b.protocol == DCO_PROTO_TCP) {
            b.seq += 100;
            in_len[3] = packet_write(&b, in[3], &rng);
        }
        give_all();
        CHECK_EQ(out_n, 2);
        CHECK_EQ(out[0].packets, 2);
        CHECK_EQ(out[1].packets, 2);
    }
}

/* A ninth flow pushes out the one that was started first. */
TEST("coalesce: more flows than places")
{
    struct packet p = packet_make(4, DCO_PROTO_UDP, 100);

    rng = test_rng();
    start();
    for (unsigned i = 0; i < DCO_COALESCE_FLOWS; i++) {
        p.sport = (uint16_t)(1000 + i);
        put(&p);
    }
    give(0);
    CHECK_EQ(out_n, 0);
    p.sport = 2000;
    put(&p);
    give(DCO_COALESCE_FLOWS);
    CHECK_EQ(out_n, 1);
    CHECK_EQ(dco_read16(out[0].bytes + 20), 1000);
    p.sport = 1003; /* still there */
    put(&p);
    give(DCO_COALESCE_FLOWS + 1);
    CHECK_EQ(out_n, 1);
    dco_coalesce_flush(&c);
    CHECK_EQ(out_n, 1 + DCO_COALESCE_FLOWS);
    CHECK_EQ(out[3].packets, 2);
    CHECK_EQ(dco_read16(out[8].bytes + 20), 2000);
    dco_coalesce_flush(&c);
    CHECK_EQ(out_n, 1 + DCO_COALESCE_FLOWS);
}

TEST("coalesce: switched off")
{
    for (unsigned f = 0; f < 4; f++) {
        put_pair(family[f].version, family[f].protocol, 100, 100);
        c.tcp = family[f].protocol != DCO_PROTO_TCP;
        c.udp = family[f].protocol != DCO_PROTO_UDP;
        check_apart("switched off", f);
    }
}

TEST("coalesce: TCP and IP options")
{
    struct packet p = packet_make(4, DCO_PROTO_TCP, 100);

    rng = test_rng();
    start();
    p.options_len = 12;
    memcpy(p.options, "\x01\x01\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02", 12);
    put_flow(&p, 10);
    check_joined();
    start(); /* the time stamp ticks after the fifth */
    put_flow(&p, 5);
    p.options[7]++;
    put_flow(&p, 5);
    keep();
    give_all();
    check_counts_are(5, 5);
    start(); /* IP options: never */
    p.ip_options_len = 4;
    put_flow(&p, 3);
    check_apart("IP options", 0);
    start(); /* length fields of 0, which the parser takes for the whole */
    p.ip_options_len = 0;
    put_flow(&p, 2);
    dco_write16(in[1] + 2, 0);
    check_apart("total length of 0", 4);
    start();
    p.version = 6;
    put_flow(&p, 2);
    dco_write16(in[1] + 4, 0);
    check_apart("payload length of 0", 6);
}
