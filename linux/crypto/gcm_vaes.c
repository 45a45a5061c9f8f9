/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vector holds two blocks, and a chunk is eight vectors: that many independent AES rounds hide
 * the latency of one. AES and the hash use different units, so the code hashes a chunk between the
 * AES rounds of the next chunk (seal) or of the same one (open).
 *
 * The hash is computed as POLYVAL (RFC 8452, appendix A): with the bytes of each block reversed and
 * the key multiplied by x once, no product needs a shift. The products of a chunk with falling
 * powers of the key are added and reduced once. Each product takes three multiplications
 * (Karatsuba).
 */
#include "linux/crypto/gcm_vaes.h"

#include <cpuid.h>
#include <immintrin.h>

#include "linux/crypto/nonce_x86.h"
#include "linux/sys/compiler.h"

#define VAES   __attribute__((target("aes,pclmul,vaes,vpclmulqdq,avx2")))
#define INLINE static inline __attribute__((always_inline)) VAES

#define VECTORS 8U
#define CHUNK   (32U * VECTORS)

struct product { /* unreduced, per lane */
    __m256i low, middle, high;
};

bool
gcm_vaes_supported(void)
{
    const unsigned needed = bit_VAES | bit_VPCLMULQDQ;
    unsigned a, b, c, d;

    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes") &&
           __builtin_cpu_supports("pclmul") && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (c & needed) == needed;
}

INLINE __m256i
both(const uint8_t *block)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)block));
}

INLINE __m256i
load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

INLINE void
store(uint8_t *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

INLINE __m256i
reversed(__m256i v)
{
    const __m256i order = _mm256_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 15,
                                           14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);

    return _mm256_shuffle_epi8(v, order);
}

INLINE __m128i
reversed1(__m128i v)
{
    return _mm256_castsi256_si128(reversed(_mm256_castsi128_si256(v)));
}

/* The hash */

/* Adds the products of two blocks with the n-th power of the key and the one below it. */
INLINE void
multiply(struct product *sum, const struct gcm_vaes_key *key, __m256i x, unsigned n)
{
    __m256i power = load(key->power[GCM_POWERS - n]);
    __m256i halves = load(key->halves[GCM_POWERS - n]);
    __m256i folded = _mm256_xor_si256(x, _mm256_shuffle_epi32(x, 0x4e));

    sum->low = _mm256_xor_si256(sum->low, _mm256_clmulepi64_epi128(x, power, 0x00));
    sum->high = _mm256_xor_si256(sum->high, _mm256_clmulepi64_epi128(x, power, 0x11));
    sum->middle = _mm256_xor_si256(sum->middle, _mm256_clmulepi64_epi128(folded, halves, 0x00));
}

INLINE __m128i
lanes(__m256i v)
{
    return _mm_xor_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

/* One half of the reduction by x^128 + x^127 + x^126 + x^121 + 1. */
INLINE __m128i
reduce_half(__m128i v)
{
    const __m128i polynomial = _mm_set1_epi64x((long long)0xc200000000000000);

    return _mm_xor_si128(_mm_shuffle_epi32(v, 0x4e), _mm_clmulepi64_si128(v, polynomial, 0x00));
}

INLINE __m128i
reduce(const struct product *sum)
{
    __m128i low = lanes(sum->low), high = lanes(sum->high);
    __m128i middle = _mm_xor_si128(lanes(sum->middle), _mm_xor_si128(low, high));

    low = _mm_xor_si128(low, _mm_slli_si128(middle, 8));
    high = _mm_xor_si128(high, _mm_srli_si128(middle, 8));
    return _mm_xor_si128(high, reduce_half(reduce_half(low)));
}

INLINE struct product
nothing(void)
{
    __m256i zero = _mm256_setzero_si256();

    return (struct product){zero, zero, zero};
}

/* Hashes the i-th vector of a chunk. The first vector takes in the hash of everything before. */
INLINE void
hash_vector(struct product *sum, const struct gcm_vaes_key *key, const uint8_t *chunk, unsigned i,
            __m128i before)
{
    __m256i x = reversed(load(chunk + 32 * i));

    if (i == 0)
        x = _mm256_xor_si256(x, _mm256_zextsi128_si256(before));
    multiply(sum, key, x, 2 * (VECTORS - i));
}

INLINE __m128i
hash_chunk(const struct gcm_vaes_key *key, const uint8_t *chunk, __m128i before)
{
    struct product sum = nothing();

#pragma GCC unroll 8
    for (unsigned i = VECTORS; i-- > 0;)
        hash_vector(&sum, key, chunk, i, before);
    return reduce(&sum);
}

/* AES in counter mode */

INLINE __m128i
encrypt_block(const struct gcm_vaes_key *key, __m128i v)
{
    const __m128i *round = (const __m128i *)key->round;

    v = _mm_xor_si128(v, round[0]);
    for (unsigned r = 1; r < key->rounds; r++)
        v = _mm_aesenc_si128(v, round[r]);
    return _mm_aesenclast_si128(v, round[key->rounds]);
}

/* The next counter blocks, with the key of round 0 added. counter has its bytes reversed. */
INLINE void
take_counters(__m256i v[], unsigned n, const struct gcm_vaes_key *key, __m256i *counter)
{
    const __m256i two = _mm256_setr_epi32(2, 0, 0, 0, 2, 0, 0, 0);
    __m256i round = both(key->round[0]);

#pragma GCC unroll 8
    for (unsigned i = 0; i < n; i++) {
        v[i] = _mm256_xor_si256(reversed(*counter), round);
        *counter = _mm256_add_epi32(*counter, two);
    }
}

INLINE void
encrypt_round(__m256i v[], unsigned n, const struct gcm_vaes_key *key, unsigned r)
{
    __m256i round = both(key->round[r]);

#pragma GCC unroll 8
    for (unsigned i = 0; i < n; i++)
        v[i] = _mm256_aesenc_epi128(v[i], round);
}

/* Encrypts or decrypts a chunk, and hashes `chunk`, which may be the same one. */
INLINE __m128i
crypt_chunk(const struct gcm_vaes_key *key, __m256i *counter, uint8_t *out, const uint8_t *in,
            bool hashing, const uint8_t *chunk, __m128i before)
{
    struct product sum = nothing();
    __m256i v[VECTORS], last;
    unsigned r;

    take_counters(v, VECTORS, key, counter);
#pragma GCC unroll 8
    for (r = 1; r <= VECTORS; r++) {
        encrypt_round(v, VECTORS, key, r);
        if (hashing)
            hash_vector(&sum, key, chunk, VECTORS - r, before);
    }
    for (; r < key->rounds; r++)
        encrypt_round(v, VECTORS, key, r);
    last = both(key->round[r]);
#pragma GCC unroll 8
    for (unsigned i = 0; i < VECTORS; i++)
        store(out + 32 * i,
              _mm256_aesenclast_epi128(v[i], _mm256_xor_si256(last, load(in + 32 * i))));
    return hashing ? reduce(&sum) : before;
}

/* Writes n vectors of key stream. */
INLINE void
key_stream(const struct gcm_vaes_key *key, __m256i *counter, uint8_t *out, unsigned n)
{
    __m256i v[VECTORS], last;
    unsigned r;

    take_counters(v, n, key, counter);
    for (r = 1; r < key->rounds; r++)
        encrypt_round(v, n, key, r);
    last = both(key->round[r]);
#pragma GCC unroll 8
    for (unsigned i = 0; i < n; i++)
        store(out + 32 * i, _mm256_aesenclast_epi128(v[i], last));
}

/* The rest after the chunks, and the lengths */

struct rest {
    const uint8_t *in;
    uint8_t *out;
    uint32_t len; /* less than a chunk */
};

INLINE __m256i
crypt_vector(uint8_t *out, const uint8_t *in, const uint8_t *stream, bool seal)
{
    __m256i before = load(in), after = _mm256_xor_si256(before, load(stream));

    store(out, after);
    return reversed(seal ? after : before);
}

/* Copies n bytes, fewer than a vector, by moves of constant sizes. */
INLINE void
copy_few(uint8_t *to, const uint8_t *from, uint32_t n)
{
    if (n & 16) {
        memcpy(to, from, 16);
        to += 16;
        from += 16;
    }
    if (n & 8) {
        memcpy(to, from, 8);
        to += 8;
        from += 8;
    }
    if (n & 4) {
        memcpy(to, from, 4);
        to += 4;
        from += 4;
    }
    if (n & 2) {
        memcpy(to, from, 2);
        to += 2;
        from += 2;
    }
    if (n & 1)
        *to = *from;
}

/* Loads n bytes, fewer than a vector, and zeros behind them. It writes nothing to memory: a load
 * that is wider than the stores before it would wait for them. */
INLINE __m256i
load_few(const uint8_t *p, uint32_t n)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i words = _mm256_set1_epi32((int)(n / 4)), v;
    uint32_t last = 0;

    v = _mm256_maskload_epi32((const int *)p, _mm256_cmpgt_epi32(words, index));
    p += n & ~3U;
    if (n & 2) {
        last = (uint32_t)p[0] | (uint32_t)p[1] << 8;
        p += 2;
    }
    if (n & 1)
        last |= (uint32_t)p[0] << (n & 2) * 8;
    return _mm256_or_si256(
        v, _mm256_and_si256(_mm256_cmpeq_epi32(words, index), _mm256_set1_epi32((int)last)));
}

/* Processes the last bytes, fewer than a vector. Returns the ciphertext with zeros behind it. */
INLINE __m256i
crypt_few(uint8_t *out, const uint8_t *in, uint32_t len, const uint8_t *stream, bool seal)
{
    static const uint8_t ones[64] = {[0 ... 31] = 0xff};
    __m256i before = load_few(in, len), after = _mm256_xor_si256(before, load(stream));
    uint8_t bytes[32];

    store(bytes, after);
    copy_few(out, bytes, len);
    return reversed(seal ? _mm256_and_si256(after, load(ones + 32 - len)) : before);
}

/* lengths: the last block of the hash, with its bytes reversed. */
INLINE __m128i
crypt_rest(const struct gcm_vaes_key *key, const struct rest *rest, const uint8_t *stream,
           __m128i before, __m128i lengths, bool seal)
{
    uint32_t at = 0, blocks = (rest->len + 15) / 16 + 1;
    __m256i x, add = _mm256_zextsi128_si256(before), end = _mm256_zextsi128_si256(lengths);
    struct product sum = nothing();

    for (; rest->len - at >= 32; at += 32, blocks -= 2) {
        x = crypt_vector(rest->out + at, rest->in + at, stream + at, seal);
        multiply(&sum, key, _mm256_xor_si256(x, add), blocks);
        add = _mm256_setzero_si256();
    }
    if (at < rest->len) {
        x = crypt_few(rest->out + at, rest->in + at, rest->len - at, stream + at, seal);
        x = _mm256_xor_si256(x, add);
        add = _mm256_setzero_si256();
        if (blocks == 2) { /* the lengths fit into this vector */
            multiply(&sum, key, _mm256_inserti128_si256(x, lengths, 1), 2);
            return reduce(&sum);
        }
        multiply(&sum, key, x, blocks);
    }
    multiply(&sum, key, _mm256_xor_si256(end, add), 1);
    return reduce(&sum);
}

/* A packet */

INLINE __m128i
hash_header(const struct gcm_vaes_key *key, const uint8_t *hdr)
{
    struct product sum = nothing();
    int word[2];
    __m128i x;

    memcpy(word, hdr, sizeof(word[0]));
    memcpy(word + 1, hdr + 4, sizeof(word[1]));
    x = reversed1(_mm_setr_epi32(word[0], word[1], 0, 0));

    multiply(&sum, key, _mm256_zextsi128_si256(x), 1);
    return reduce(&sum);
}

INLINE void
crypt_packet(const struct gcm_vaes_key *key, const uint8_t *hdr, const uint8_t *tail, uint8_t *out,
             const uint8_t *in, uint32_t len, uint8_t *tag, bool seal)
{
    __m128i first = _mm_insert_epi32(nonce_vector(hdr, tail), 1 << 24, 3); /* counter block 1 */
    __m128i mask = encrypt_block(key, first);
    __m128i hash = hash_header(key, hdr);
    __m128i lengths = _mm_set_epi64x(DCO_AAD_LEN * 8, (long long)len * 8); /* in bits */
    __m256i counter = _mm256_add_epi32(_mm256_broadcastsi128_si256(reversed1(first)),
                                       _mm256_setr_epi32(1, 0, 0, 0, 2, 0, 0, 0));
    const uint8_t *sealed = NULL;        /* the chunk that was sealed but not yet hashed */
    UNINITIALIZED uint8_t stream[CHUNK]; /* key_stream() sets what is used, for each packet */

    if (seal && len >= CHUNK) {
        crypt_chunk(key, &counter, out, in, false, NULL, hash);
        sealed = out;
        in += CHUNK;
        out += CHUNK;
        len -= CHUNK;
    }
    while (len >= CHUNK) {
        hash = crypt_chunk(key, &counter, out, in, true, seal ? sealed : in, hash);
        sealed = out;
        in += CHUNK;
        out += CHUNK;
        len -= CHUNK;
    }
    if (len > CHUNK / 2)
        key_stream(key, &counter, stream, VECTORS);
    else if (len > 0)
        key_stream(key, &counter, stream, VECTORS / 2);
    if (seal && sealed != NULL)
        hash = hash_chunk(key, sealed, hash);
    hash = crypt_rest(key, &(struct rest){in, out, len}, stream, hash, lengths, seal);
    _mm_storeu_si128((__m128i *)tag, _mm_xor_si128(reversed1(hash), mask));
}

VAES void
gcm_vaes_seal(const struct gcm_vaes_key *key, const uint8_t hdr[DCO_HDR_LEN],
              const uint8_t tail[DCO_NONCE_TAIL_LEN], uint8_t *out, const uint8_t *in, uint32_t len,
              uint8_t tag[DCO_TAG_LEN])
{
    crypt_packet(key, hdr, tail, out, in, len, tag, true);
}

VAES void
gcm_vaes_open(const struct gcm_vaes_key *key, const uint8_t hdr[DCO_HDR_LEN],
              const uint8_t tail[DCO_NONCE_TAIL_LEN], uint8_t *out, const uint8_t *in, uint32_t len,
              uint8_t tag[DCO_TAG_LEN])
{
    crypt_packet(key, hdr, tail, out, in, len, tag, false);
}

/* A key */

/* SubWord of FIPS 197. With four equal columns the instruction's ShiftRows changes nothing. */
INLINE uint32_t
substitute(uint32_t word)
{
    __m128i v = _mm_aesenclast_si128(_mm_set1_epi32((int)word), _mm_setzero_si128());

    return (uint32_t)_mm_cvtsi128_si32(v);
}

/* FIPS 197, 5.2, with words in the byte order of memory. */
INLINE void
expand_rounds(struct gcm_vaes_key *key, const uint8_t *bytes, size_t len)
{
    uint32_t word[60], constant = 1, words = (uint32_t)len / 4;

    key->rounds = words + 6;
    memcpy(word, bytes, len);
    for (uint32_t i = words; i < 4 * (key->rounds + 1); i++) {
        uint32_t last = word[i - 1];

        if (i % words == 0) {
            last = substitute(last >> 8 | last << 24) ^ constant;
            constant = constant << 1 ^ (constant >> 7) * 0x11b;
        } else if (words == 8 && i % words == 4) {
            last = substitute(last);
        }
        word[i] = word[i - words] ^ last;
    }
    memcpy(key->round, word, 16 * (key->rounds + 1));
    dco_wipe(word, sizeof(word));
}

/* Multiplies by x. */
INLINE __m128i
times_x(__m128i v)
{
    const __m128i polynomial = _mm_set_epi64x((long long)0xc200000000000000, 1);
    __m128i top = _mm_shuffle_epi32(_mm_srai_epi32(v, 31), 0xff);
    __m128i carried = _mm_slli_si128(_mm_srli_epi64(v, 63), 8);

    v = _mm_or_si128(_mm_slli_epi64(v, 1), carried);
    return _mm_xor_si128(v, _mm_and_si128(top, polynomial));
}

INLINE void
set_power(struct gcm_vaes_key *key, unsigned n, __m128i power)
{
    __m128i halves = _mm_xor_si128(power, _mm_shuffle_epi32(power, 0x4e));

    _mm_storeu_si128((__m128i *)key->power[GCM_POWERS - n], power);
    _mm_storeu_si128((__m128i *)key->halves[GCM_POWERS - n], halves);
}

VAES void
gcm_vaes_expand(struct gcm_vaes_key *key, const uint8_t *bytes, size_t len)
{
    __m128i power;

    memset(key, 0, sizeof(*key));
    expand_rounds(key, bytes, len);
    power = times_x(reversed1(encrypt_block(key, _mm_setzero_si128())));
    set_power(key, 1, power);
    for (unsigned n = 2; n <= GCM_POWERS; n++) {
        struct product sum = nothing();

        multiply(&sum, key, _mm256_zextsi128_si256(power), 1);
        power = reduce(&sum);
        set_power(key, n, power);
    }
}
