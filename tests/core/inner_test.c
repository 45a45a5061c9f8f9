/* SPDX-License-Identifier: BSD-2-Clause */
#include "packets.h"

/* On the heap with its exact size, so that the sanitizer sees any byte read beyond it. */
static bool
parse(const uint8_t *pkt, size_t len, struct dco_inner *inner)
{
    uint8_t *copy = malloc(len ? len : 1);
    bool ok;

    if (!copy)
        abort();
    memcpy(copy, pkt, len);
    ok = dco_inner_parse(copy, len, inner);
    free(copy);
    return ok;
}

static void
plain(void)
{
    struct rng rng = harness_rng();
    struct packet p = packet_make(4, DCO_PROTO_TCP, 100);
    uint8_t pkt[400];
    uint32_t len = packet_write(&p, pkt, &rng);
    struct dco_inner inner;
    struct dco_ip want;

    check(parse(pkt, len, &inner));
    check_equal(inner.version, 4);
    check_equal(inner.protocol, DCO_PROTO_TCP);
    check_equal(inner.l4, 20);
    check_equal(inner.ip_len, 20);
    check_equal(inner.total, len);
    check(!inner.fragment);
    want = ip4(10, 8, 0, 1);
    check(dco_ip_equal(&inner.src, &want));
    want = ip4(10, 8, 0, 200);
    check(dco_ip_equal(&inner.dst, &want));

    p = packet_make(6, DCO_PROTO_UDP, 100);
    len = packet_write(&p, pkt, &rng);
    check(parse(pkt, len, &inner));
    check_equal(inner.version, 6);
    check_equal(inner.protocol, DCO_PROTO_UDP);
    check_equal(inner.l4, 40);
    check_equal(inner.ip_len, 40);
    check_equal(inner.total, len);
    check(!inner.fragment);
    want = dco_ip6(pkt + 8);
    check(dco_ip_equal(&inner.src, &want));
    want = dco_ip6(pkt + 24);
    check(dco_ip_equal(&inner.dst, &want));
}

/* Cut anywhere a packet is refused; with padding behind it is read as without. */
static void
every_length(void)
{
    struct rng rng = harness_rng();
    struct packet p;
    struct dco_inner inner;
    uint8_t pkt[400] = {0};
    uint32_t len;

    for (unsigned v = 4; v <= 6; v += 2) {
        for (unsigned options = 0; options <= 40; options += 4) {
            p = packet_make((uint8_t)v, DCO_PROTO_UDP, 30);
            p.ip_options_len = (uint8_t)options;
            len = packet_write(&p, pkt, &rng);
            for (uint32_t cut = 0; cut < len; cut++)
                harness_check(!parse(pkt, cut, &inner), __FILE__, __LINE__, "IPv%u cut at %u", v,
                              cut);
            for (uint32_t pad = 0; pad < 60; pad++) {
                check(parse(pkt, len + pad, &inner));
                check_equal(inner.total, len);
            }
        }
    }
}

static void
every_version_and_header_length(void)
{
    struct rng rng = harness_rng();
    struct packet p = packet_make(4, DCO_PROTO_UDP, 100);
    struct dco_inner inner;
    uint8_t pkt[200];
    uint32_t len = packet_write(&p, pkt, &rng);

    for (unsigned first = 0; first < 256; first++) {
        bool four = first >> 4 == 4 && (first & 15) >= 5, six;

        pkt[0] = (uint8_t)first;
        six = first >> 4 == 6 && 40 + pkt[4] * 256U + pkt[5] <= len;
        harness_check(parse(pkt, len, &inner) == (four || six), __FILE__, __LINE__,
                      "first byte 0x%02x", first);
        if (four)
            check_equal(inner.ip_len, (first & 15) * 4);
    }
}

static void
length_fields(void)
{
    static const struct {
        uint8_t version;
        uint32_t field, len;
        bool ok;
        uint32_t total;
    } t[] = {
        /*  0 */ {4, 20, 20, true, 20},
        /*  1 */ {4, 19, 20, false, 0},
        /*  2 */ {4, 21, 20, false, 0},
        /*  3 */ {4, 1, 100, false, 0},
        /*  4 */ {4, 0, 100, true, 100},
        /*  5 */ {4, 0, 65536, true, 65536},
        /*  6 */ {4, 0xffff, 65535, true, 65535},
        /*  7 */ {4, 0xffff, 65534, false, 0},
        /*  8 */ {6, 0, 40, true, 40},
        /*  9 */ {6, 1, 40, false, 0},
        /* 10 */ {6, 1, 41, true, 41},
        /* 11 */ {6, 1, 100, true, 41},
        /* 12 */ {6, 0, 65600, true, 65600},
        /* 13 */ {6, 0xffff, 65575, true, 65575},
        /* 14 */ {6, 0xffff, 65574, false, 0},
    };
    static uint8_t pkt[70000];
    struct dco_inner inner;

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        memset(pkt, 0, 40);
        pkt[0] = t[i].version == 4 ? 0x45 : 0x60;
        pkt[t[i].version == 4 ? 9 : 6] = DCO_PROTO_TCP;
        dco_put16(pkt + (t[i].version == 4 ? 2 : 4), (uint16_t)t[i].field);
        harness_check(parse(pkt, t[i].len, &inner) == t[i].ok, __FILE__, __LINE__, "case %zu", i);
        if (t[i].ok)
            harness_check(inner.total == t[i].total, __FILE__, __LINE__, "total of case %zu", i);
    }
}

static void
fragments(void)
{
    static const struct {
        uint16_t field;
        bool fragment;
    } t[] = {
        {0x0000, false}, {0x4000, false}, {0x8000, false}, {0xc000, false}, {0x2000, true},
        {0x6000, true},  {0x0001, true},  {0x1fff, true},  {0x4001, true},
    };
    struct rng rng = harness_rng();
    struct packet p = packet_make(4, DCO_PROTO_TCP, 8);
    struct dco_inner inner;
    uint8_t pkt[100];
    uint32_t len = packet_write(&p, pkt, &rng);

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        dco_put16(pkt + 6, t[i].field);
        check(parse(pkt, len, &inner));
        check_equal(inner.fragment, t[i].fragment);
        check_equal(inner.l4, t[i].fragment ? 0 : 20);
        check_equal(inner.protocol, DCO_PROTO_TCP);
    }
}

/* Where the ports are: in the first fragment only, and never beyond the packet. */
static void
transport_of_fragments(void)
{
    struct rng rng = harness_rng();
    struct packet p = packet_make(4, DCO_PROTO_UDP, 30);
    struct dco_inner inner;
    uint8_t pkt[100], protocol = 0;
    uint32_t len = packet_write(&p, pkt, &rng);

    check(parse(pkt, len, &inner));
    check_equal(dco_inner_transport(pkt, &inner, &protocol), 20);
    check_equal(protocol, DCO_PROTO_UDP);
    dco_put16(pkt + 6, 0x2000);
    check(parse(pkt, len, &inner));
    check_equal(dco_inner_transport(pkt, &inner, &protocol), 20);
    dco_put16(pkt + 6, 0x2001);
    check(parse(pkt, len, &inner));
    check_equal(dco_inner_transport(pkt, &inner, &protocol), 0);

    p = packet_make(6, DCO_PROTO_UDP, 30);
    len = packet_write(&p, pkt, &rng);
    pkt[6] = 44;
    pkt[40] = DCO_PROTO_UDP;
    dco_put16(pkt + 42, 1); /* more fragments, offset 0 */
    check(parse(pkt, len, &inner));
    check_equal(dco_inner_transport(pkt, &inner, &protocol), 48);
    check_equal(protocol, DCO_PROTO_UDP);
    dco_put16(pkt + 42, 8);
    check(parse(pkt, len, &inner));
    check_equal(dco_inner_transport(pkt, &inner, &protocol), 0);
    dco_put16(pkt + 4, 7); /* no room for the fragment header */
    check(parse(pkt, 47, &inner));
    check_equal(dco_inner_transport(pkt, &inner, &protocol), 0);
    pkt[6] = 60; /* other extension headers are not walked through */
    check(parse(pkt, 47, &inner));
    check_equal(dco_inner_transport(pkt, &inner, &protocol), 0);
}

static void
ipv6_next_headers(void)
{
    static const uint8_t extension[] = {0, 43, 44, 51, 60, 135, 139, 140};
    struct rng rng = harness_rng();
    struct packet p = packet_make(6, DCO_PROTO_TCP, 8);
    struct dco_inner inner;
    uint8_t pkt[100];
    uint32_t len = packet_write(&p, pkt, &rng);

    for (unsigned next = 0; next < 256; next++) {
        bool is_extension = memchr(extension, (int)next, sizeof(extension)) != NULL;

        pkt[6] = (uint8_t)next;
        check(parse(pkt, len, &inner));
        check_equal(inner.l4, is_extension ? 0 : 40);
        check_equal(inner.fragment, next == 44);
        check_equal(inner.protocol, next);
    }
}

/* Whatever the bytes, what comes out lies within the packet. */
static void
random_bytes(void)
{
    struct rng rng = harness_rng();
    unsigned rounds = harness_rounds(200000);
    struct dco_inner inner;
    uint8_t pkt[128];
    size_t len;

    for (unsigned i = 0; i < rounds; i++) {
        len = rng_below(&rng, sizeof(pkt) + 1);
        rng_bytes(&rng, pkt, sizeof(pkt));
        if (rng_chance(&rng, 90))
            pkt[0] = (uint8_t)((rng_chance(&rng, 50) ? 0x40 : 0x60) | (pkt[0] & 15));
        if (rng_chance(&rng, 90))
            dco_put16(pkt + (pkt[0] >> 4 == 4 ? 2 : 4), (uint16_t)rng_below(&rng, 130));
        if (!parse(pkt, len, &inner))
            continue;
        check(inner.total <= len);
        check(inner.ip_len <= inner.total);
        check(inner.l4 == 0 || inner.l4 == inner.ip_len);
        check(inner.version == pkt[0] >> 4);
        check(inner.src.family == inner.version && inner.dst.family == inner.version);
    }
}

static const struct test tests[] = {
    {"inner: plain packets", plain},
    {"inner: every length of packet and padding", every_length},
    {"inner: every version and IPv4 header length", every_version_and_header_length},
    {"inner: length fields", length_fields},
    {"inner: IPv4 fragments", fragments},
    {"inner: the transport of fragments", transport_of_fragments},
    {"inner: IPv6 next headers", ipv6_next_headers},
    {"inner: random bytes", random_bytes},
};
HARNESS_MAIN(tests)
