/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Big-endian loads and stores at any alignment: the only way core/ reads or writes a multi-byte
 * field of a packet. Callers have checked the length.
 */
#ifndef DCO_BYTES_H
#define DCO_BYTES_H

#include "dco_os.h"

static inline uint16_t
dco_read16(const uint8_t *p)
{
    return (uint16_t)((uint16_t)p[0] << 8 | p[1]);
}

static inline uint32_t
dco_read32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void
dco_write16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void
dco_write32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* One store of 8 bytes: a load of the whole value right afterwards need not wait for two stores. */
static inline void
dco_write64(uint8_t *p, uint64_t v)
{
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof(v));
}

#endif
