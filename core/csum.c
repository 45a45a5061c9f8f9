/* SPDX-License-Identifier: BSD-2-Clause */
#include "csum.h"

#include "bytes.h"

/* One's complement addition commutes with a swap of the bytes of every word (RFC 1071, 2.B). So
 * words are added in host order, and only the result is swapped. */
static uint16_t
fold_native(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        sum = (sum >> 8 | sum << 8) & 0xffff;
    return (uint16_t)sum;
}

static inline uint32_t
load32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t
load16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

uint16_t
dco_csum(const uint8_t *data, size_t len)
{
    uint64_t even = 0, odd = 0;

    for (; len >= 16; data += 16, len -= 16) {
        even += load32(data);
        odd += load32(data + 4);
        even += load32(data + 8);
        odd += load32(data + 12);
    }
    for (; len >= 4; data += 4, len -= 4)
        even += load32(data);
    if (len & 2) {
        odd += load16(data);
        data += 2;
    }
    if (len & 1) {
        const uint8_t last[2] = {data[0], 0};

        odd += load16(last);
    }
    return fold_native(even + odd);
}

uint16_t
dco_csum_update(uint16_t checksum, uint16_t was, uint16_t is)
{
    return (uint16_t)~dco_csum_add(dco_csum_add((uint16_t)~checksum, (uint16_t)~was), is);
}

uint16_t
dco_csum_pseudo(const uint8_t *addrs, size_t addrs_len, uint8_t protocol, uint32_t len)
{
    uint64_t sum = (uint64_t)protocol + len;
    size_t i;

    for (i = 0; i < addrs_len; i += 4)
        sum += dco_read32(addrs + i);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}
