/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AES-GCM for processors that have VAES and VPCLMULQDQ but not AVX-512 (AMD Zen 3, Intel since
 * Alder Lake). The libraries in today's distributions use only half of the units there. Before its
 * first use its results are compared with those of libipsec-mb; not with those of OpenSSL, whose
 * use would cost the process its core dumps.
 */
#include <immintrin.h>
#include <pthread.h>
#include <stdlib.h>

#include "linux/crypto/backend.h"
#include "linux/crypto/gcm_vaes.h"
#include "linux/crypto/secret.h"

struct vaes_keys {
    struct gcm_vaes_key tx;
    struct gcm_vaes_key rx;
};
_Static_assert(sizeof(struct vaes_keys) <= SECRET_MAX, "one piece of secret memory");

struct vaes {
    struct aead base;
    const struct vaes_keys *keys; /* const; secret memory */
};

static void
vaes_seal(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    const struct vaes *vaes = (const struct vaes *)aead;

    (void)thread;
    for (unsigned i = 0; i < n; i++) {
        uint8_t *pkt = ops[i].pkt;

        gcm_vaes_seal(&vaes->keys->tx, pkt, aead->tx_tail, pkt + DCO_OVERHEAD, ops[i].in,
                      ops[i].len, pkt + DCO_HDR_LEN);
        ops[i].ok = true;
    }
}

static void
vaes_open(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    const struct vaes *vaes = (const struct vaes *)aead;
    uint8_t tag[DCO_TAG_LEN];

    (void)thread;
    for (unsigned i = 0; i < n; i++) {
        uint8_t *pkt = ops[i].pkt, *text = pkt + DCO_OVERHEAD;

        gcm_vaes_open(&vaes->keys->rx, pkt, aead->rx_tail, text, text, ops[i].len, tag);
        ops[i].ok = aead_tags_equal(tag, pkt + DCO_HDR_LEN);
    }
}

static struct aead *
vaes_new(enum dco_cipher cipher, const uint8_t *tx_key, const uint8_t *rx_key, size_t key_len,
         unsigned threads)
{
    struct vaes_keys *keys = secret_alloc(sizeof(*keys));
    struct vaes *vaes = calloc(1, sizeof(*vaes));

    (void)cipher;
    (void)threads;
    if (keys == NULL || vaes == NULL) {
        secret_free(keys);
        free(vaes);
        errno = ENOMEM;
        return NULL;
    }
    gcm_vaes_expand(&keys->tx, tx_key, key_len);
    gcm_vaes_expand(&keys->rx, rx_key, key_len);
    vaes->keys = keys;
    return &vaes->base;
}

static void
vaes_free(struct aead *aead)
{
    secret_free((void *)((struct vaes *)aead)->keys);
    free(aead);
}

/* Clears all vector registers but those that AVX-512 adds; libipsec-mb clears those itself. */
__attribute__((target("avx"))) static void
clear_vectors(void)
{
    _mm256_zeroall();
}

void
aead_clear_registers(void)
{
    if (__builtin_cpu_supports("avx"))
        clear_vectors();
}

/* Self-test against libipsec-mb */

#define PROBE_LEN  777U /* three chunks, and a rest of vectors, words and a byte */
#define PROBE_ROOM (DCO_OVERHEAD + PROBE_LEN)

static struct aead *
probe_key(const struct aead_backend *backend, const uint8_t *key, size_t key_len)
{
    return aead_new_by(backend, DCO_CIPHER_AES_GCM, key, key, key_len, key, key, 1);
}

/* Both seal the text to the same bytes, and our backend opens them to the text again. */
static bool
agree(struct aead *vaes, struct aead *imb, const uint8_t *text)
{
    uint8_t ours[PROBE_ROOM], theirs[PROBE_ROOM];
    struct aead_op op = {ours, text + DCO_OVERHEAD, PROBE_LEN, false};
    struct aead_op other = {theirs, text + DCO_OVERHEAD, PROBE_LEN, false};

    memcpy(ours, text, DCO_HDR_LEN);
    memcpy(theirs, text, DCO_HDR_LEN);
    aead_seal(vaes, 0, &op, 1);
    aead_seal(imb, 0, &other, 1);
    if (memcmp(ours, theirs, PROBE_ROOM) != 0)
        return false;
    aead_open(vaes, 0, &op, 1);
    return op.ok && memcmp(ours + DCO_OVERHEAD, text + DCO_OVERHEAD, PROBE_LEN) == 0;
}

static bool
agrees(size_t key_len)
{
    struct aead *vaes, *imb;
    uint8_t text[PROBE_ROOM];
    bool same;

    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 2654435761U >> 13);
    vaes = probe_key(&aead_vaes, text + 100, key_len);
    imb = probe_key(&aead_imb, text + 100, key_len);
    same = vaes != NULL && imb != NULL && agree(vaes, imb, text);
    aead_free(vaes);
    aead_free(imb);
    return same;
}

/* The self-test, made once in each process. */
static struct {
    pthread_once_t once;
    bool passed; /* const after self_test_run() */
} self_test = {.once = PTHREAD_ONCE_INIT};

static void
self_test_run(void)
{
    self_test.passed = gcm_vaes_supported() && aead_imb.usable(DCO_CIPHER_AES_GCM) && agrees(16) &&
                       agrees(24) && agrees(32);
}

static bool
vaes_usable(enum dco_cipher cipher)
{
    pthread_once(&self_test.once, self_test_run);
    return self_test.passed && cipher == DCO_CIPHER_AES_GCM;
}

/* Measured on Zen 3 with 64 to 1472 bytes against libipsec-mb 1.3 and a build of its version 3.
 * Neither has AES-GCM with 256-bit vectors for that processor. */
static bool
vaes_preferred(enum dco_cipher cipher)
{
    (void)cipher;
    return !__builtin_cpu_supports("avx512vl");
}

const struct aead_backend aead_vaes = {
    .name = "vaes",
    .usable = vaes_usable,
    .preferred = vaes_preferred,
    .new = vaes_new,
    .free = vaes_free,
    .seal = {vaes_seal}, /* only AES-GCM: see vaes_usable() */
    .open = {vaes_open},
};
