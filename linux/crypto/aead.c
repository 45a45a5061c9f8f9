/* SPDX-License-Identifier: BSD-2-Clause */
#include "backend.h"
#include "linux/compiler.h"

#include <stdlib.h>

static bool
key_len_suits(enum dco_cipher cipher, size_t key_len)
{
    switch (cipher) {
    case DCO_CIPHER_AES_GCM:
        return key_len == 16 || key_len == 24 || key_len == 32;
    case DCO_CIPHER_CHACHA20_POLY1305:
        return key_len == 32;
    default:
        return false;
    }
}

#define BACKENDS 4U /* a power of two: whatever a key's number is, it names one of them */

static const struct dco_aead_backend *const backends[BACKENDS] = {
    &dco_aead_vaes,
    &dco_aead_imb,
    &dco_aead_ossl,
    &dco_aead_null,
};

static inline const struct dco_aead_backend *
backend_of(const struct dco_aead *aead)
{
    return backends[aead->backend % BACKENDS];
}

static uint8_t
number_of(const struct dco_aead_backend *backend)
{
    uint8_t i = 0;

    while (backends[i] != backend)
        i++;
    return i;
}

/* The first that is preferred and usable, or has the name that is wished for. Others are not asked
 * whether they are usable, which may take a self-test. */
static const struct dco_aead_backend *
choose(enum dco_cipher cipher)
{
    const char *wish = getenv("OPENDCO_AEAD");

    for (size_t i = 0; i < BACKENDS; i++) {
        const struct dco_aead_backend *b = backends[i];

        if (!b)
            continue;
        if (wish && *wish ? strcmp(b->name, wish) != 0 : !b->preferred(cipher))
            continue;
        if (b->usable(cipher))
            return b;
    }
    return NULL;
}

struct dco_aead *
dco_aead_new_by(const struct dco_aead_backend *backend, enum dco_cipher cipher,
                const uint8_t *tx_key, const uint8_t *rx_key, size_t key_len,
                const uint8_t tx_tail[DCO_NONCE_TAIL_LEN],
                const uint8_t rx_tail[DCO_NONCE_TAIL_LEN], unsigned lanes)
{
    struct dco_aead *aead = backend->new (cipher, tx_key, rx_key, key_len, lanes);

    if (!aead)
        return NULL;
    aead->backend = number_of(backend);
    aead->mode = cipher == DCO_CIPHER_AES_GCM ? DCO_AEAD_GCM : DCO_AEAD_CHACHA;
    memcpy(aead->tx_tail, tx_tail, DCO_NONCE_TAIL_LEN);
    memcpy(aead->rx_tail, rx_tail, DCO_NONCE_TAIL_LEN);
    return aead;
}

struct dco_aead *
dco_aead_new(enum dco_cipher cipher, const uint8_t *tx_key, const uint8_t *rx_key, size_t key_len,
             const uint8_t tx_tail[DCO_NONCE_TAIL_LEN], const uint8_t rx_tail[DCO_NONCE_TAIL_LEN],
             unsigned lanes)
{
    const struct dco_aead_backend *backend = NULL;
    struct dco_aead *aead;

    if (key_len_suits(cipher, key_len) && lanes > 0)
        backend = choose(cipher);
    if (!backend) {
        errno = EINVAL;
        return NULL;
    }
    aead = dco_aead_new_by(backend, cipher, tx_key, rx_key, key_len, tx_tail, rx_tail, lanes);
    dco_aead_forget();
    return aead;
}

void
dco_aead_free(struct dco_aead *aead)
{
    if (!aead)
        return;
    dco_wipe(aead->tx_tail, sizeof(aead->tx_tail));
    dco_wipe(aead->rx_tail, sizeof(aead->rx_tail));
    backend_of(aead)->free(aead);
}

/* Its own frame lies where theirs were. */
__attribute__((noinline)) void
dco_aead_forget(void)
{
    UNINITIALIZED uint8_t left[DCO_AEAD_STACK]; /* it is what shall be overwritten */

    dco_wipe(left, sizeof(left));
    dco_aead_clear_registers();
}

void
dco_aead_seal(struct dco_aead *aead, unsigned lane, struct dco_aead_op *ops, unsigned n)
{
    backend_of(aead)->seal[aead->mode % DCO_AEAD_MODES](aead, lane, ops, n);
}

void
dco_aead_open(struct dco_aead *aead, unsigned lane, struct dco_aead_op *ops, unsigned n)
{
    backend_of(aead)->open[aead->mode % DCO_AEAD_MODES](aead, lane, ops, n);
}

const char *
dco_aead_backend(const struct dco_aead *aead)
{
    return backend_of(aead)->name;
}
