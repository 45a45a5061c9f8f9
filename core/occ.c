/* SPDX-License-Identifier: BSD-2-Clause */
#include "occ.h"

static const uint8_t magic[DCO_OCC_MAGIC_LEN] = {
    0x28, 0x7f, 0x34, 0x6b, 0xd4, 0xef, 0x7a, 0x81, 0x2d, 0x56, 0xb8, 0xd3, 0xaf, 0xc5, 0x45, 0x9c,
};

int
dco_occ_parse(const uint8_t *inner, size_t len)
{
    if (len < DCO_OCC_HDR_LEN || memcmp(inner, magic, sizeof(magic)) != 0)
        return DCO_OCC_NONE;
    return inner[DCO_OCC_MAGIC_LEN];
}

void
dco_occ_write_hdr(uint8_t *inner, enum dco_occ op)
{
    memcpy(inner, magic, sizeof(magic));
    inner[DCO_OCC_MAGIC_LEN] = (uint8_t)op;
}
