/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nonce of a packet (dco_wire_nonce()) in a vector register, with 4 zero bytes behind it. Each
 * load is as wide as the store that has just written that part of the header; a wider one would
 * wait for the stores.
 */
#ifndef DCO_CRYPTO_NONCE_X86_H
#define DCO_CRYPTO_NONCE_X86_H

#include <emmintrin.h>

#include "core/wire.h"

static inline __attribute__((always_inline)) __m128i
nonce_vector(const uint8_t *hdr, const uint8_t *tail)
{
    __m128i v = _mm_slli_si128(_mm_loadl_epi64((const __m128i *)tail), 4);
    int id;

    memcpy(&id, hdr + 4, sizeof(id));
    return _mm_or_si128(v, _mm_cvtsi32_si128(id));
}

#endif
