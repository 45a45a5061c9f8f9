/* SPDX-License-Identifier: BSD-2-Clause */
#include "mss.h"

#include "bytes.h"
#include "packets.h"

#define ROOM 1400

static uint8_t pkt[400];
static uint32_t len;

/* Writes a SYN with these options (padded with 0, which ends them). */
static void
write_syn(uint8_t version, const uint8_t *options, size_t n, uint8_t flags)
{
    struct rng rng = test_rng();
    struct packet p = packet_make(version, DCO_PROTO_TCP, 0);

    p.flags = flags;
    p.options_len = (uint8_t)((n + 3) / 4 * 4);
    memcpy(p.options, options, n);
    len = packet_write(&p, pkt, &rng);
}

/* In an allocation of the exact size, so that the sanitizer sees what lies beyond. */
static bool
clamp(uint16_t room)
{
    uint8_t *exact = malloc(len);
    struct dco_inner inner;
    bool changed;

    if (!exact)
        abort();
    memcpy(exact, pkt, len);
    CHECK(dco_inner_parse(exact, len, &inner));
    changed = dco_mss_clamp(exact, len, &inner, room);
    memcpy(pkt, exact, len);
    free(exact);
    return changed;
}

#define MAX_OPTIONS 40

TEST("mss: options")
{
    static const struct {
        uint8_t bytes[MAX_OPTIONS];
        uint8_t n;
        bool changed;
        uint8_t at; /* of the MSS value within the options */
    } t[] = {
        /*  0 alone */ {{2, 4, 0x05, 0xb4}, 4, true, 2},
        /*  1 already small */ {{2, 4, 0x02, 0x18}, 4, false, 2},
        /*  2 equal */ {{2, 4, 0x05, 0x50}, 4, false, 2},
        /*  3 one too large */ {{2, 4, 0x05, 0x51}, 4, true, 2},
        /*  4 after one NOP: odd */ {{1, 2, 4, 0x05, 0xb4}, 5, true, 3},
        /*  5 as Linux sends it */
        {{2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7}, 20, true, 2},
        /*  6 last */
        {{8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 1, 2, 4, 0xff, 0xff}, 16, true, 14},
        /*  7 after the end of options */ {{0, 2, 4, 0x05, 0xb4}, 5, false, 0},
        /*  8 cut short */ {{1, 2, 4, 0x05}, 4, false, 0},
        /*  9 length of 3 */ {{2, 3, 0x05, 0xb4}, 4, false, 0},
        /* 10 length of 5 */ {{2, 5, 0x05, 0xb4, 0}, 5, false, 0},
        /* 11 unknown option of length 0 before */ {{30, 0, 2, 4, 0x05, 0xb4}, 6, false, 0},
        /* 12 unknown option of length 1 before */ {{30, 1, 2, 4, 0x05, 0xb4}, 6, false, 0},
        /* 13 unknown option reaches too far */ {{30, 200, 2, 4, 0x05, 0xb4}, 6, false, 0},
        /* 14 unknown option hides one */ {{30, 6, 2, 4, 0x05, 0xb4}, 6, false, 0},
        /* 15 kind as the last byte */ {{1, 1, 1, 2}, 4, false, 0},
        /* 16 none */ {{0}, 0, false, 0},
        /* 17 checksum words of ffff */ {{2, 4, 0xff, 0xff}, 4, true, 2},
    };
    static uint8_t before[400];

    for (unsigned v = 4; v <= 6; v += 2) {
        for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
            uint32_t headers = v == 4 ? 20 : 40;
            uint16_t room = v == 4 ? ROOM : ROOM + 20;

            write_syn((uint8_t)v, t[i].bytes, t[i].n, PACKET_TCP_SYN);
            memcpy(before, pkt, len);
            CHECK_THAT(clamp(room) == t[i].changed, "case %zu", i);
            CHECK_THAT(packet_is_right(pkt, len), "checksum of case %zu", i);
            if (t[i].changed) {
                CHECK_EQ(dco_read16(pkt + headers + 20 + t[i].at), ROOM - 40);
                memcpy(pkt + headers + 20 + t[i].at, before + headers + 20 + t[i].at, 2);
                memcpy(pkt + headers + 16, before + headers + 16, 2);
            }
            CHECK_THAT(memcmp(pkt, before, len) == 0, "other bytes of case %zu", i);
        }
    }
}

/* Receivers may believe the first or the last. */
TEST("mss: several options")
{
    static const uint8_t two[] = {2, 4, 0x05, 0xb4, 1, 2, 4, 0x23, 0x28};

    write_syn(4, two, sizeof(two), PACKET_TCP_SYN);
    CHECK(clamp(ROOM));
    CHECK_EQ(dco_read16(pkt + 42), ROOM - 40);
    CHECK_EQ(dco_read16(pkt + 47), ROOM - 40);
    CHECK(packet_is_right(pkt, len));
}

TEST("mss: only SYNs")
{
    static const uint8_t mss[] = {2, 4, 0x05, 0xb4};

    for (unsigned flags = 0; flags < 256; flags++) {
        write_syn(4, mss, sizeof(mss), (uint8_t)flags);
        CHECK_THAT(clamp(ROOM) == ((flags & PACKET_TCP_SYN) != 0), "flags 0x%02x", flags);
    }
}

TEST("mss: what is left alone")
{
    static const uint8_t mss[] = {2, 4, 0x05, 0xb4};
    static uint8_t before[400];
    struct dco_inner inner;

    /* room that no MSS fits in */
    for (unsigned v = 4; v <= 6; v += 2) {
        uint16_t headers = v == 4 ? 40 : 60;

        write_syn((uint8_t)v, mss, sizeof(mss), PACKET_TCP_SYN);
        memcpy(before, pkt, len);
        CHECK(!clamp(0));
        CHECK(!clamp(headers));
        CHECK_MEM(before, pkt, len);
        CHECK(clamp(headers + 1));
        CHECK_EQ(dco_read16(pkt + headers + 2), 1);
        CHECK(packet_is_right(pkt, len));
    }
    /* a fragment, another protocol, a data offset beyond the packet or below the header */
    write_syn(4, mss, sizeof(mss), PACKET_TCP_SYN);
    dco_write16(pkt + 6, 0x2000);
    CHECK(!clamp(ROOM));
    write_syn(4, mss, sizeof(mss), PACKET_TCP_SYN);
    pkt[9] = DCO_PROTO_UDP;
    CHECK(!clamp(ROOM));
    for (unsigned offset = 0; offset < 16; offset++) {
        write_syn(4, mss, sizeof(mss), PACKET_TCP_SYN);
        pkt[32] = (uint8_t)(offset << 4);
        CHECK_EQ(clamp(ROOM), offset == 6);
    }
    /* shorter than its own header says */
    write_syn(4, mss, sizeof(mss), PACKET_TCP_SYN);
    CHECK(dco_inner_parse(pkt, len, &inner));
    for (uint32_t cut = 0; cut < len; cut++)
        CHECK(!dco_mss_clamp(pkt, cut, &inner, ROOM));
}

/* Random options: the result verifies, and no MSS option above the limit is left. */
TEST("mss: random options")
{
    struct rng rng = test_rng();
    unsigned rounds = test_rounds(50000);
    uint8_t bytes[MAX_OPTIONS];

    for (unsigned i = 0; i < rounds; i++) {
        uint8_t n = (uint8_t)rng_below(&rng, MAX_OPTIONS + 1);
        uint8_t version = rng_chance(&rng, 50) ? 4 : 6;

        for (unsigned k = 0; k < n; k++)
            bytes[k] = (uint8_t)rng_below(&rng, rng_chance(&rng, 80) ? 6 : 256);
        write_syn(version, bytes, n, PACKET_TCP_SYN | PACKET_TCP_ACK);
        if (clamp(ROOM)) {
            CHECK(!clamp(ROOM));
            CHECK(packet_is_right(pkt, len));
        }
        CHECK(packet_is_right(pkt, len));
    }
}
