/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of an openvpn without offload are told from packets. */
#include "occ.h"

#include "harness.h"
#include "inner.h"

static const uint8_t leaves[] = {0x28, 0x7f, 0x34, 0x6b, 0xd4, 0xef, 0x7a, 0x81, 0x2d,
                                 0x56, 0xb8, 0xd3, 0xaf, 0xc5, 0x45, 0x9c, 6};

TEST("occ: the message of openvpn 2.5 that it leaves")
{
    uint8_t ours[DCO_OCC_HDR_LEN];

    CHECK_EQ(dco_occ_parse(leaves, sizeof(leaves)), DCO_OCC_EXIT);
    dco_occ_write_hdr(ours, DCO_OCC_EXIT);
    CHECK(memcmp(ours, leaves, sizeof(leaves)) == 0);
}

TEST("occ: anything else is none, and no packet is one")
{
    struct dco_inner inner;
    uint8_t other[sizeof(leaves)];

    for (size_t len = 0; len < sizeof(leaves); len++)
        CHECK_EQ(dco_occ_parse(leaves, len), DCO_OCC_NONE);
    for (size_t i = 0; i < DCO_OCC_MAGIC_LEN; i++) {
        memcpy(other, leaves, sizeof(other));
        other[i] ^= 1;
        CHECK_EQ(dco_occ_parse(other, sizeof(other)), DCO_OCC_NONE);
    }
    CHECK(!dco_inner_parse(leaves, sizeof(leaves), &inner));
}
