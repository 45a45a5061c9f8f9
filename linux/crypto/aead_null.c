/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No cipher at all: packets travel as they are and every tag is right. It shows what a path costs
 * without cryptography, exists only in builds for benchmarks (-DDCO_BENCH_NULL_CIPHER), and is
 * chosen there by OPENDCO_AEAD=null.
 */
#ifdef DCO_BENCH_NULL_CIPHER

#include "backend.h"

#include <stdlib.h>

static void
null_seal(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    unsigned i;

    (void)aead;
    (void)thread;
    for (i = 0; i < n; i++) {
        memset(ops[i].pkt + DCO_HDR_LEN, 0, DCO_TAG_LEN);
        if (ops[i].in != ops[i].pkt + DCO_OVERHEAD)
            memcpy(ops[i].pkt + DCO_OVERHEAD, ops[i].in, ops[i].len);
        ops[i].ok = true;
    }
}

static void
null_open(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    unsigned i;

    (void)aead;
    (void)thread;
    for (i = 0; i < n; i++)
        ops[i].ok = true;
}

static bool
null_usable(enum dco_cipher cipher)
{
    (void)cipher;
    return true;
}

static bool
null_preferred(enum dco_cipher cipher)
{
    (void)cipher;
    return false;
}

static struct aead *
null_new(enum dco_cipher cipher, const uint8_t *tx_key, const uint8_t *rx_key, size_t key_len,
         unsigned threads)
{
    struct aead *aead = calloc(1, sizeof(*aead));

    (void)cipher;
    (void)tx_key;
    (void)rx_key;
    (void)key_len;
    (void)threads;
    return aead;
}

static void
null_free(struct aead *aead)
{
    free(aead);
}

const struct aead_backend aead_null = {
    .name = "null",
    .usable = null_usable,
    .preferred = null_preferred,
    .new = null_new,
    .free = null_free,
    .seal = {null_seal, null_seal},
    .open = {null_open, null_open},
};

#endif
