/* SPDX-License-Identifier: BSD-2-Clause */
#include "addresses.h"
#include "bytes.h"
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

TEST("inner: plain packets")
{
    struct rng rng = test_rng();
    struct packet p = packet_make(4, DCO_PROTO_TCP, 100);
    uint8_t pkt[400];
    uint32_t len = packet_write(&p, pkt, &rng);
    struct dco_inner inner;
    struct dco_ip want;

    CHECK(parse(pkt, len, &inner));
    CHECK_EQ(inner.version, 4);
    CHECK_EQ(inner.protocol, DCO_PROTO_TCP);
    CHECK_EQ(inner.l4, 20);
    CHECK_EQ(inner.ip_len, 20);
    CHECK_EQ(inner.total, len);
    CHECK(!inner.fragment);
    want = ip4(10, 8, 0, 1);
    CHECK(dco_ip_equal(&inner.src, &want));
    want = ip4(10, 8, 0, 200);
    CHECK(dco_ip_equal(&inner.dst, &want));

    p = packet_make(6, DCO_PROTO_UDP, 100);
    len = packet_write(&p, pkt, &rng);
    CHECK(parse(pkt, len, &inner));
    CHECK_EQ(inner.version, 6);
    CHECK_EQ(inner.protocol, DCO_PROTO_UDP);
    CHECK_EQ(inner.l4, 40);
    CHECK_EQ(inner.ip_len, 40);
    CHECK_EQ(inner.total, len);
    CHECK(!inner.fragment);
    want = dco_ip6(pkt + 8);
    CHECK(dco_ip_equal(&inner.src, &want));
    want = dco_ip6(pkt + 24);
    CHECK(dco_ip_equal(&inner.dst, &want));
}

/* Cut anywhere a packet is refused; with padding behind it is read as without. */
TEST("inner: every length of packet and padding")
{
    struct rng rng = test_rng();
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
                CHECK_THAT(!parse(pkt, cut, &inner), "IPv%u cut at %u", v, cut);
            for (uint32_t pad = 0; pad < 60; pad++) {
                CHECK(parse(pkt, len + pad, &inner));
                CHECK_EQ(inner.total, len);
            }
        }
    }
}

TEST("inner: every version and IPv4 header length")
{
    struct rng rng = test_rng();
    struct packet p = packet_make(4, DCO_PROTO_UDP, 100);
    struct dco_inner inner;
    uint8_t pkt[200];
    uint32_t len = packet_write(&p, pkt, &rng);

    for (unsigned first = 0; first < 256; first++) {
        bool four = first >> 4 == 4 && (first & 15) >= 5, six;

        pkt[0] = (uint8_t)first;
        six = first >> 4 == 6 && 40 + pkt[4] * 256U + pkt[5] <= len;
        CHECK_THAT(parse(pkt, len, &inner) == (four || six), "first byte 0x%02x", first);
        if (four)
            CHECK_EQ(inner.ip_len, (first & 15) * 4);
    }
}

TEST("inner: length fields")
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
        dco_write16(pkt + (t[i].version == 4 ? 2 : 4), (uint16_t)t[i].field);
        CHECK_THAT(parse(pkt, t[i].len, &inner) == t[i].ok, "case %zu", i);
        if (t[i].ok)
            CHECK_THAT(inner.total == t[i].total, "total of case %zu", i);
    }
}

TEST("inner: IPv4 fragments")
{
    static const struct {
        uint16_t field;
        bool fragment;
    } t[] = {
        {0x0000, false}, {0x4000, false}, {0x8000, false}, {0xc000, false}, {0x2000, true},
        {0x6000, true},  {0x0001, true},  {0x1fff, true},  {0x4001, true},
    };
    struct rng rng = test_rng();
    struct packet p = packet_make(4, DCO_PROTO_TCP, 8);
    struct dco_inner inner;
    uint8_t pkt[100];
    uint32_t len = packet_write(&p, pkt, &rng);

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        dco_write16(pkt + 6, t[i].field);
        CHECK(parse(pkt, len, &inner));
        CHECK_EQ(inner.fragment, t[i].fragment);
        CHECK_EQ(inner.l4, t[i].fragment ? 0 : 20);
        CHECK_EQ(inner.protocol, DCO_PROTO_TCP);
    }
}

/* Where the ports are: in the first fragment only, and never beyond the packet. */
TEST("inner: the transport of fragments")
{
    struct rng rng = test_rng();
    struct packet p = packet_make(4, DCO_PROTO_UDP, 30);
    struct dco_inner inner;
    uint8_t pkt[100], protocol = 0;
    uint32_t len = packet_write(&p, pkt, &rng);

    CHECK(parse(pkt, len, &inner));
    CHECK_EQ(dco_inner_transport(pkt, &inner, &protocol), 20);
    CHECK_EQ(protocol, DCO_PROTO_UDP);
    dco_write16(pkt + 6, 0x2000);
    CHECK(parse(pkt, len, &inner));
    CHECK_EQ(dco_inner_transport(pkt, &inner, &protocol), 20);
    dco_write16(pkt + 6, 0x2001);
    CHECK(parse(pkt, len, &inner));
    CHECK_EQ(dco_inner_transport(pkt, &inner, &protocol), 0);

    p = packet_make(6, DCO_PROTO_UDP, 30);
    len = packet_write(&p, pkt, &rng);
    pkt[6] = 44;
    pkt[40] = DCO_PROTO_UDP;
    dco_write16(pkt + 42, 1); /* more fragments, offset 0 */
    CHECK(parse(pkt, len, &inner));
    CHECK_EQ(dco_inner_transport(pkt, &inner, &protocol), 48);
    CHECK_EQ(protocol, DCO_PROTO_UDP);
    dco_write16(pkt + 42, 8);
    CHECK(parse(pkt, len, &inner));
    CHECK_EQ(dco_inner_transport(pkt, &inner, &protocol), 0);
    dco_write16(pkt + 4, 7); /* no room for the fragment header */
    CHECK(parse(pkt, 47, &inner));
    CHECK_EQ(dco_inner_transport(pkt, &inner, &protocol), 0);
    pkt[6] = 60; /* other extension headers are not walked through */
    CHECK(parse(pkt, 47, &inner));
    CHECK_EQ(dco_inner_transport(pkt, &inner, &protocol), 0);
}

TEST("inner: IPv6 next headers")
{
    static const uint8_t extension[] = {0, 43, 44, 51, 60, 135, 139, 140};
    struct rng rng = test_rng();
    struct packet p = packet_make(6, DCO_PROTO_TCP, 8);
    struct dco_inner inner;
    uint8_t pkt[100];
    uint32_t len = packet_write(&p, pkt, &rng);

    for (unsigned next = 0; next < 256; next++) {
        bool is_extension = memchr(extension, (int)next, sizeof(extension)) != NULL;

        pkt[6] = (uint8_t)next;
        CHECK(parse(pkt, len, &inner));
        CHECK_EQ(inner.l4, is_extension ? 0 : 40);
        CHECK_EQ(inner.fragment, next == 44);
        CHECK_EQ(inner.protocol, next);
    }
}

/* Whatever the bytes, what comes out lies within the packet. */
TEST("inner: random bytes")
{
    struct rng rng = test_rng();
    unsigned rounds = test_rounds(200000);
    struct dco_inner inner;
    uint8_t pkt[128];
    size_t len;

    for (unsigned i = 0; i < rounds; i++) {
        len = rng_below(&rng, sizeof(pkt) + 1);
        rng_bytes(&rng, pkt, sizeof(pkt));
        if (rng_chance(&rng, 90))
            pkt[0] = (uint8_t)((rng_chance(&rng, 50) ? 0x40 : 0x60) | (pkt[0] & 15));
        if (rng_chance(&rng, 90))
            dco_write16(pkt + (pkt[0] >> 4 == 4 ? 2 : 4), (uint16_t)rng_below(&rng, 130));
        if (!parse(pkt, len, &inner))
            continue;
        CHECK(inner.total <= len);
        CHECK(inner.ip_len <= inner.total);
        CHECK(inner.l4 == 0 || inner.l4 == inner.ip_len);
        CHECK(inner.version == pkt[0] >> 4);
        CHECK(inner.src.family == inner.version && inner.dst.family == inner.version);
    }
}
