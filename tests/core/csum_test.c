/* SPDX-License-Identifier: BSD-2-Clause */
#include "csum.h"

#include "bytes.h"
#include "packets.h"

TEST("csum: published examples")
{
    /* RFC 1071, section 3 */
    static const uint8_t rfc1071[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    /* RFC 1624, section 4: a checksum of 0xdd2f, a word that changes from 0x5555 to 0x3285 */
    CHECK_EQ(dco_csum(rfc1071, sizeof(rfc1071)), 0xddf2);
    CHECK_EQ(dco_csum(rfc1071, 7), packet_sum(rfc1071, 7));
    CHECK_EQ(dco_csum(rfc1071, 0), 0);
    CHECK_EQ(dco_csum_update(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST("csum: every length and alignment against a byte-wise sum")
{
    struct rng rng = test_rng();
    static uint8_t data[2100];

    rng_bytes(&rng, data, sizeof(data));
    for (size_t shift = 0; shift < 8; shift++) {
        for (size_t len = 0; len <= 2048; len++)
            CHECK_EQ(dco_csum(data + shift, len), packet_sum(data + shift, len));
    }
}

TEST("csum: all zero and all one")
{
    static uint8_t data[65536];

    memset(data, 0, sizeof(data));
    CHECK_EQ(dco_csum(data, sizeof(data)), 0);
    memset(data, 0xff, sizeof(data));
    CHECK_EQ(dco_csum(data, sizeof(data)), 0xffff);
    CHECK_EQ(dco_csum(data, sizeof(data) - 1), packet_sum(data, sizeof(data) - 1));
}

/* Replacing a word and updating the checksum must leave a packet that verifies. */
TEST("csum: update of a word")
{
    static const uint16_t edge[] = {0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff};
    struct rng rng = test_rng();
    uint8_t data[64];

    for (unsigned i = 0; i < 20000; i++) {
        uint32_t at = 2 + 2 * rng_below(&rng, 31);
        uint16_t was, is = rng_chance(&rng, 50) ? edge[i % 6] : (uint16_t)rng_next(&rng);

        rng_bytes(&rng, data, sizeof(data));
        dco_write16(data, 0);
        if (i % 7 == 0)
            dco_write16(data + at, edge[i % 6]);
        dco_write16(data, (uint16_t)~packet_sum(data, sizeof(data)));
        was = dco_read16(data + at);
        dco_write16(data + at, is);
        dco_write16(data, dco_csum_update(dco_read16(data), was, is));
        CHECK_EQ(packet_sum(data, sizeof(data)), 0xffff);
    }
}

TEST("csum: pseudo header")
{
    struct rng rng = test_rng();
    uint8_t flat[40];

    for (unsigned i = 0; i < 4000; i++) {
        uint32_t len = i % 3 ? rng_below(&rng, 70000) : UINT32_MAX - i;
        size_t addrs = i % 2 ? 8 : 32;
        uint8_t proto = (uint8_t)i;

        if (i % 5)
            rng_bytes(&rng, flat, addrs);
        else
            memset(flat, 0xff, addrs);
        dco_write32(flat + addrs, len);
        dco_write32(flat + addrs + 4, proto);
        CHECK_EQ(dco_csum_pseudo(flat, addrs, proto, len), packet_sum(flat, addrs + 8));
    }
}

TEST("csum: addition")
{
    CHECK_EQ(dco_csum_add(0, 0), 0);
    CHECK_EQ(dco_csum_add(0xffff, 0), 0xffff);
    CHECK_EQ(dco_csum_add(0xffff, 0xffff), 0xffff);
    CHECK_EQ(dco_csum_add(0x8000, 0x8000), 1);
    CHECK_EQ(dco_csum_add(0x1234, 0x4321), 0x5555);
}
