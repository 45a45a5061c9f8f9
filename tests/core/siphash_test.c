/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4 with key 00 01 .. 0f over the first n bytes of 00 01 02 ..: values published with the
 * algorithm (the 15-byte one in the paper's appendix A, the others in its reference vectors).
 */
#include "siphash.h"

#include "harness.h"

static const struct dco_siphash_key key = {{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL}};

TEST("siphash: published vectors")
{
    static const struct {
        size_t len;
        uint64_t hash;
    } vector[] = {
        {0, 0x726fdb47dd0e0e31ULL},  {1, 0x74f839c593dc67fdULL},  {2, 0x0d6c8009d9a94f5aULL},
        {3, 0x85676696d7fb7e2dULL},  {4, 0xcf2794e0277187b7ULL},  {5, 0x18765564cd99a68dULL},
        {6, 0xcbc9466e58fee3ceULL},  {7, 0xab0200f58b01d137ULL},  {8, 0x93f5f5799a932462ULL},
        {9, 0x9e0082df0ba9e4b0ULL},  {10, 0x7a5dbbc594ddb9f3ULL}, {11, 0xf4b32f46226bada7ULL},
        {12, 0x751e8fbc860ee5fbULL}, {13, 0x14ea5627c0843d90ULL}, {14, 0xf723ca908e7af2eeULL},
        {15, 0xa129ca6149be45e5ULL}, {63, 0x958a324ceb064572ULL},
    };
    uint8_t data[64];

    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++)
        CHECK_THAT(dco_siphash(&key, data, vector[i].len) == vector[i].hash, "%zu bytes",
                   vector[i].len);
}

TEST("siphash: any alignment")
{
    uint8_t data[72];

    for (size_t shift = 1; shift < 8; shift++) {
        for (unsigned i = 0; i < 15; i++)
            data[shift + i] = (uint8_t)i;
        CHECK(dco_siphash(&key, data + shift, 15) == 0xa129ca6149be45e5ULL);
    }
}
