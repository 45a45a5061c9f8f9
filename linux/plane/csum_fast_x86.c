/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The low and the high half of each 64-bit word are added to separate 64-bit lanes, which cannot
 * overflow. Words are added in the byte order of memory; the bytes of the folded sum are swapped at
 * the end (RFC 1071, 2.B).
 */
#include <immintrin.h>
#include <stddef.h>

#include "core/atomic.h"
#include "linux/plane/csum_fast.h"

/* For shorter data, folding the vector costs more than the vector saves. */
#define VECTOR_MIN 64U

/* Keeps a loaded vector in its register. The compiler would load it again for its second use, and a
 * load that is not aligned to its own size costs as much as two. */
#define IN_REGISTER(v, kind) __asm__("" : "+" kind(v))

static inline uint16_t
fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return __builtin_bswap16((uint16_t)sum);
}

__attribute__((target("avx2"))) static uint16_t
csum_avx2(const uint8_t *data, size_t len)
{
    const __m256i low = _mm256_set1_epi64x(0xffffffff);
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a, v, w;
    __m128i half;
    uint64_t sum;

    if (len < VECTOR_MIN)
        return dco_csum(data, len);
    for (; len >= 64; data += 64, len -= 64) {
        v = _mm256_loadu_si256((const __m256i *)data);
        w = _mm256_loadu_si256((const __m256i *)(data + 32));
        IN_REGISTER(v, "x");
        IN_REGISTER(w, "x");
        a = _mm256_add_epi64(a, _mm256_and_si256(v, low));
        b = _mm256_add_epi64(b, _mm256_srli_epi64(v, 32));
        c = _mm256_add_epi64(c, _mm256_and_si256(w, low));
        d = _mm256_add_epi64(d, _mm256_srli_epi64(w, 32));
    }
    a = _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d));
    half = _mm_add_epi64(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    sum = (uint64_t)_mm_cvtsi128_si64(half) + (uint64_t)_mm_extract_epi64(half, 1);
    return dco_csum_add(fold(sum), len ? dco_csum(data, len) : 0);
}

__attribute__((target("avx512f,avx512bw"))) static uint16_t
csum_avx512(const uint8_t *data, size_t len)
{
    const __m512i low = _mm512_set1_epi64(0xffffffff);
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a, v, w;

    if (len < VECTOR_MIN)
        return dco_csum(data, len);
    for (; len >= 128; data += 128, len -= 128) {
        v = _mm512_loadu_si512(data);
        w = _mm512_loadu_si512(data + 64);
        IN_REGISTER(v, "v");
        IN_REGISTER(w, "v");
        a = _mm512_add_epi64(a, _mm512_and_si512(v, low));
        b = _mm512_add_epi64(b, _mm512_srli_epi64(v, 32));
        c = _mm512_add_epi64(c, _mm512_and_si512(w, low));
        d = _mm512_add_epi64(d, _mm512_srli_epi64(w, 32));
    }
    if (len >= 64) {
        v = _mm512_loadu_si512(data);
        IN_REGISTER(v, "v");
        a = _mm512_add_epi64(a, _mm512_and_si512(v, low));
        b = _mm512_add_epi64(b, _mm512_srli_epi64(v, 32));
        data += 64;
        len -= 64;
    }
    v = _mm512_maskz_loadu_epi8(~0ULL >> (63 - len) >> 1, data);
    c = _mm512_add_epi64(c, _mm512_and_si512(v, low));
    d = _mm512_add_epi64(d, _mm512_srli_epi64(v, 32));
    a = _mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d));
    return fold((uint64_t)_mm512_reduce_add_epi64(a));
}

dco_csum_fn *
csum_nth(unsigned i, const char **name)
{
    __builtin_cpu_init();
    if (i == 0) {
        *name = "portable";
        return dco_csum;
    }
    if (i == 1 && __builtin_cpu_supports("avx2")) {
        *name = "avx2";
        return csum_avx2;
    }
    if (i == 2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("avx512bw")) {
        *name = "avx512";
        return csum_avx512;
    }
    return NULL;
}

/* Callers ask once per packet, so the first answer is kept. Two threads that find it at the same
 * time store the same value. */
dco_csum_fn *
csum_best(void)
{
    static dco_csum_fn *known; /* atomic */
    dco_csum_fn *best = dco_load(&known), *next;
    const char *name;
    unsigned i;

    if (best != NULL)
        return best;
    for (i = 0; (next = csum_nth(i, &name)) != NULL; i++)
        best = next;
    dco_store(&known, best);
    return best;
}
