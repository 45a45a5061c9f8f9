/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OCC messages: what an openvpn says to the other one inside of the data channel, instead of an
 * inner packet. Versions before 2.6 say in this way that they leave (--explicit-exit-notify);
 * every version without offload does so for --mtu-test.
 *
 *  +-------------------------+-----------+----------------------------+
 *  | magic (16 bytes)        | operation | depends on the operation   |
 *  +-------------------------+-----------+----------------------------+
 *
 * The first byte of the magic is no IP version, so no inner packet is such a message.
 * (Source: OpenVPN 2.6, occ.h and occ.c.)
 */
#ifndef DCO_OCC_H
#define DCO_OCC_H

#include "dco_os.h"

#define DCO_OCC_MAGIC_LEN 16U
#define DCO_OCC_HDR_LEN   17U /* magic and operation */

enum dco_occ {
    DCO_OCC_NONE = -1,   /* no such message */
    DCO_OCC_REQUEST = 0, /* of the options of the other end; only with static keys */
    DCO_OCC_REPLY = 1,
    DCO_OCC_MTU_LOAD_REQUEST = 2, /* a uint16_t: send me a message as long as this */
    DCO_OCC_MTU_LOAD = 3,         /* that message: padded */
    DCO_OCC_MTU_REQUEST = 4,      /* tell me the longest datagrams that you received and sent */
    DCO_OCC_MTU_REPLY = 5,        /* two uint16_t */
    DCO_OCC_EXIT = 6,             /* I leave */
};

/* The operation of a message; another value for an operation that is unknown. */
int dco_occ_parse(const uint8_t *inner, size_t len);

/* Writes the first DCO_OCC_HDR_LEN bytes of a message. */
void dco_occ_write_hdr(uint8_t *inner, enum dco_occ op);

#endif
