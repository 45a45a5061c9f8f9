/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Internet checksum (RFC 1071). Sums are carried unfolded in 64 bits; "partial" sums are folded
 * to 16 bits but not inverted.
 */
#ifndef DCO_CSUM_H
#define DCO_CSUM_H

#include "dco_os.h"

/* Sum of len bytes as big-endian 16-bit words (an odd last byte is the high half of a word), folded
 * to 16 bits, not inverted. Callers in core take such a function as an argument: the platform may
 * have a faster one with the same result. */
typedef uint16_t dco_csum_fn(const uint8_t *data, size_t len);

uint16_t dco_csum(const uint8_t *data, size_t len); /* portable */

/* One's complement sum of two partial sums. */
static inline uint16_t
dco_csum_add(uint16_t a, uint16_t b)
{
    uint32_t s = (uint32_t)a + b;

    return (uint16_t)((s & 0xffff) + (s >> 16));
}

/* The checksum field after a 16-bit word of the data has changed from `was` to `is` (RFC 1624). */
uint16_t dco_csum_update(uint16_t checksum, uint16_t was, uint16_t is);

/* Partial sum of the pseudo header. addrs: source and destination as in the packet (8 or 32 bytes).
 * len: length of the transport header and payload. */
uint16_t dco_csum_pseudo(const uint8_t *addrs, size_t addrs_len, uint8_t protocol, uint32_t len);

#endif
