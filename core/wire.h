/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The OpenVPN data channel on the wire: the only file that knows the byte layout.
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +---------+-----+-----------------------------------------------+
 *  | opcode  | key |                   peer id                     |  authenticated
 *  +---------+-----+-----------------------------------------------+
 *  |                          packet id                            |  authenticated
 *  +---------------------------------------------------------------+
 *  |                      AEAD tag (16 bytes)                      |
 *  +---------------------------------------------------------------+
 *  |     ciphertext, as long as the inner packet: 0 bytes or more  |
 *  +---------------------------------------------------------------+
 *
 * All fields are big endian. The AEAD's additional data are the first 8 bytes; its 12-byte nonce is
 * the packet id as on the wire followed by the 8-byte nonce tail of the key's direction. The first
 * packet id of a key is 1.  (Source: OpenVPN 2.6 data channel format P_DATA_V2.)
 */
#ifndef DCO_WIRE_H
#define DCO_WIRE_H

#include "bytes.h"
#include "dco_os.h"

#define DCO_OPCODE_DATA_V1 6
#define DCO_OPCODE_DATA_V2 9

#define DCO_HDR_LEN        8U                          /* opcode word and packet id */
#define DCO_TAG_LEN        16U                         /* GCM and Poly1305 */
#define DCO_OVERHEAD       (DCO_HDR_LEN + DCO_TAG_LEN) /* bytes before the ciphertext */
#define DCO_AAD_LEN        8U
#define DCO_NONCE_LEN      12U
#define DCO_NONCE_TAIL_LEN 8U
#define DCO_KEEPALIVE_LEN  16U

#define DCO_PEER_ID_UNDEF 0xffffffU /* "look me up by my address" */
#define DCO_PEER_ID_MAX   0xffffffU
#define DCO_KEY_ID_MAX    7U

/* The inner payload of a keepalive. A packet with exactly these bytes is never passed on. */
extern const uint8_t dco_keepalive_payload[DCO_KEEPALIVE_LEN];

enum dco_wire_kind {
    DCO_WIRE_SHORT,   /* empty, or a data packet too short to hold header and tag */
    DCO_WIRE_CONTROL, /* any other packet: openvpn's */
    DCO_WIRE_DATA_V1, /* data without a peer id: cannot be decrypted under offload */
    DCO_WIRE_DATA,
};

struct dco_wire_hdr {
    uint32_t peer_id;
    uint32_t packet_id;
    uint8_t key_id;
};

/* Classifies a datagram and, for DCO_WIRE_DATA, fills hdr. Reads at most DCO_HDR_LEN bytes. */
enum dco_wire_kind dco_wire_parse(const uint8_t *pkt, size_t len, struct dco_wire_hdr *hdr);

/* Whether a control packet, of one byte or more, begins a new session. */
static inline bool
dco_wire_is_hard_reset(const uint8_t *pkt)
{
    switch (pkt[0] >> 3) {
    case 1: /* P_CONTROL_HARD_RESET_CLIENT_V1, and of the server */
    case 2:
    case 7: /* ..._V2 */
    case 8:
    case 10: /* P_CONTROL_HARD_RESET_CLIENT_V3 */
        return true;
    default:
        return false;
    }
}

/* Writes the DCO_HDR_LEN bytes before the tag. */
static inline void
dco_wire_write_hdr(uint8_t *pkt, uint8_t key_id, uint32_t peer_id, uint32_t packet_id)
{
    uint32_t first = (uint32_t)DCO_OPCODE_DATA_V2 << 27 | (uint32_t)(key_id & 7) << 24 |
                     (peer_id & DCO_PEER_ID_MAX);

    dco_write64(pkt, (uint64_t)first << 32 | packet_id);
}

/* The nonce of the packet whose header (DCO_HDR_LEN bytes) is at pkt. */
static inline void
dco_wire_nonce(uint8_t nonce[DCO_NONCE_LEN], const uint8_t *pkt,
               const uint8_t tail[DCO_NONCE_TAIL_LEN])
{
    memcpy(nonce, pkt + 4, 4);
    memcpy(nonce + 4, tail, DCO_NONCE_TAIL_LEN);
}

static inline bool
dco_wire_is_keepalive(const uint8_t *inner, size_t len)
{
    return len == DCO_KEEPALIVE_LEN && memcmp(inner, dco_keepalive_payload, len) == 0;
}

#endif
