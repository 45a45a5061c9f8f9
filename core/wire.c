/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire.h"

_Static_assert(DCO_AAD_LEN == DCO_HDR_LEN, "the whole header is authenticated");
_Static_assert(DCO_NONCE_LEN == 4 + DCO_NONCE_TAIL_LEN, "packet id, then the tail");

const uint8_t dco_keepalive_payload[DCO_KEEPALIVE_LEN] = {
    0x2a, 0x18, 0x7b, 0xf3, 0x64, 0x1e, 0xb4, 0xcb, 0x07, 0xed, 0x2d, 0x0a, 0x98, 0x1f, 0xc7, 0x48,
};

enum dco_wire_kind
dco_wire_parse(const uint8_t *pkt, size_t len, struct dco_wire_hdr *hdr)
{
    if (len == 0)
        return DCO_WIRE_SHORT;
    switch (pkt[0] >> 3) {
    case DCO_OPCODE_DATA_V2:
        break;
    case DCO_OPCODE_DATA_V1:
        return DCO_WIRE_DATA_V1;
    default:
        return DCO_WIRE_CONTROL;
    }
    if (len < DCO_OVERHEAD)
        return DCO_WIRE_SHORT;
    hdr->key_id = pkt[0] & DCO_KEY_ID_MAX;
    hdr->peer_id = dco_read32(pkt) & DCO_PEER_ID_MAX;
    hdr->packet_id = dco_read32(pkt + 4);
    return DCO_WIRE_DATA;
}
