/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire.h"

#include "harness.h"

TEST("wire: kinds by first byte and length")
{
    static const struct {
        uint8_t first;
        size_t len;
        enum dco_wire_kind kind;
    } t[] = {
        /*  0 */ {0x48, 0, DCO_WIRE_SHORT},
        /*  1 */ {0x48, 1, DCO_WIRE_SHORT},
        /*  2 */ {0x48, 23, DCO_WIRE_SHORT},
        /*  3 */ {0x48, 24, DCO_WIRE_DATA},
        /*  4 */ {0x4f, 24, DCO_WIRE_DATA},
        /*  5 */ {0x4f, 65535, DCO_WIRE_DATA},
        /*  6 */ {0x30, 1, DCO_WIRE_DATA_V1},
        /*  7 */ {0x37, 1500, DCO_WIRE_DATA_V1},
        /*  8 */ {0x38, 1, DCO_WIRE_CONTROL},  /* P_CONTROL_HARD_RESET_CLIENT_V2 */
        /*  9 */ {0x20, 1, DCO_WIRE_CONTROL},  /* P_CONTROL_V1 */
        /* 10 */ {0x28, 14, DCO_WIRE_CONTROL}, /* P_ACK_V1 */
        /* 11 */ {0x50, 14, DCO_WIRE_CONTROL}, /* P_CONTROL_HARD_RESET_CLIENT_V3 */
        /* 12 */ {0x58, 14, DCO_WIRE_CONTROL}, /* P_CONTROL_WKC_V1 */
        /* 13 */ {0x00, 14, DCO_WIRE_CONTROL},
        /* 14 */ {0xff, 14, DCO_WIRE_CONTROL},
    };
    static uint8_t pkt[65535];
    struct dco_wire_hdr hdr;

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        pkt[0] = t[i].first;
        CHECK_THAT(dco_wire_parse(pkt, t[i].len, &hdr) == t[i].kind, "case %zu", i);
    }
}

/* Each first byte belongs to exactly one kind, and only opcodes 6 and 9 are not openvpn's. */
TEST("wire: every first byte")
{
    uint8_t pkt[DCO_OVERHEAD] = {0};
    struct dco_wire_hdr hdr;

    for (unsigned first = 0; first < 256; first++) {
        enum dco_wire_kind want = first >> 3 == 9   ? DCO_WIRE_DATA
                                  : first >> 3 == 6 ? DCO_WIRE_DATA_V1
                                                    : DCO_WIRE_CONTROL;

        pkt[0] = (uint8_t)first;
        CHECK_THAT(dco_wire_parse(pkt, sizeof(pkt), &hdr) == want, "first byte %u", first);
    }
}

/* A packet as a stock peer sends it: key 0, peer 1, packet id 2. */
TEST("wire: header and nonce as on the wire")
{
    static const uint8_t want[DCO_HDR_LEN] = {0x48, 0, 0, 1, 0, 0, 0, 2};
    static const uint8_t tail[DCO_NONCE_TAIL_LEN] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t want_nonce[DCO_NONCE_LEN] = {0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t pkt[DCO_HDR_LEN], nonce[DCO_NONCE_LEN];

    dco_wire_write_hdr(pkt, 0, 1, 2);
    CHECK_MEM(pkt, want, sizeof(want));
    dco_wire_nonce(nonce, pkt, tail);
    CHECK_MEM(nonce, want_nonce, sizeof(want_nonce));
}

TEST("wire: header round trip at the ends of each field")
{
    static const uint32_t peer[] = {0, 1, 0x76706e, 0xfffffe, 0xffffff};
    static const uint32_t id[] = {0, 1, 0x80000000, 0xffffffff};
    uint8_t pkt[DCO_OVERHEAD] = {0};
    struct dco_wire_hdr hdr;

    for (unsigned i = 0; i < 5 * 4 * 8; i++) {
        dco_wire_write_hdr(pkt, i % 8, peer[i / 8 % 5], id[i / 40]);
        CHECK(dco_wire_parse(pkt, sizeof(pkt), &hdr) == DCO_WIRE_DATA);
        CHECK_EQ(hdr.key_id, i % 8);
        CHECK_EQ(hdr.peer_id, peer[i / 8 % 5]);
        CHECK_EQ(hdr.packet_id, id[i / 40]);
    }
}

/* Out-of-range arguments may not reach the neighbouring field. */
TEST("wire: fields stay apart")
{
    uint8_t pkt[DCO_HDR_LEN];

    dco_wire_write_hdr(pkt, 0xff, 0xffffffff, 0);
    CHECK_EQ(dco_read32(pkt), 0x4fffffff);
    dco_wire_write_hdr(pkt, 8, 0x1000000, 0);
    CHECK_EQ(dco_read32(pkt), 0x48000000);
}

TEST("wire: keepalive is exactly its 16 bytes")
{
    uint8_t inner[DCO_KEEPALIVE_LEN + 1];

    memcpy(inner, dco_keepalive_payload, DCO_KEEPALIVE_LEN);
    inner[DCO_KEEPALIVE_LEN] = 0;
    CHECK(dco_wire_is_keepalive(inner, DCO_KEEPALIVE_LEN));
    CHECK(!dco_wire_is_keepalive(inner, DCO_KEEPALIVE_LEN + 1));
    CHECK(!dco_wire_is_keepalive(inner, DCO_KEEPALIVE_LEN - 1));
    CHECK(!dco_wire_is_keepalive(inner, 0));
    for (unsigned bit = 0; bit < DCO_KEEPALIVE_LEN * 8; bit++) {
        inner[bit / 8] ^= (uint8_t)(1U << bit % 8);
        CHECK(!dco_wire_is_keepalive(inner, DCO_KEEPALIVE_LEN));
        inner[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    CHECK(inner[0] == 0x2a && inner[15] == 0x48);
}
