/* SPDX-License-Identifier: BSD-2-Clause */
#include "siphash.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline void
rounds(struct state *s, unsigned n)
{
    while (n-- > 0) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotl(s->v1, 13) ^ s->v0;
        s->v3 = rotl(s->v3, 16) ^ s->v2;
        s->v0 = rotl(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotl(s->v1, 17) ^ s->v2;
        s->v3 = rotl(s->v3, 21) ^ s->v0;
        s->v2 = rotl(s->v2, 32);
    }
}

/* Little endian, at any alignment; compilers turn it into one load. */
static inline uint32_t
get32_le(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t
get64_le(const uint8_t *p)
{
    return (uint64_t)get32_le(p + 4) << 32 | get32_le(p);
}

/* The n < 8 bytes at p. */
static inline uint64_t
get_tail(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    size_t i = n & 4;

    if (i != 0)
        v = get32_le(p);
    for (; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static inline void
absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, 2);
    s->v0 ^= word;
}

uint64_t
dco_siphash(const struct dco_siphash_key *key, const void *data, size_t len)
{
    struct state s = {
        key->k[0] ^ 0x736f6d6570736575ULL, /* "somepseudorandomlygeneratedbytes" */
        key->k[1] ^ 0x646f72616e646f6dULL,
        key->k[0] ^ 0x6c7967656e657261ULL,
        key->k[1] ^ 0x7465646279746573ULL,
    };
    const uint8_t *p = data;
    size_t left = len;

    for (; left >= 8; left -= 8, p += 8)
        absorb(&s, get64_le(p));
    absorb(&s, get_tail(p, left) | (uint64_t)(len & 0xff) << 56);
    s.v2 ^= 0xff;
    rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
