/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/crypto/aead.h"

#include "linux/crypto/backend.h"
#include "linux/sys/compiler.h"
#include "linux/sys/setting_rules.h"

#define BACKENDS 3U

static const struct aead_backend *const backends[BACKENDS] = {
    &aead_vaes,
    &aead_imb,
    &aead_ossl,
};

/* Whatever number a key holds, it names one of the table. */
static inline const struct aead_backend *
backend_of(const struct aead *aead)
{
    return backends[aead->backend % BACKENDS];
}

/* Returns the first backend that is preferred, or that OPENDCO_AEAD names, and usable. It asks
 * usable() last because the answer may take a self-test. */
static const struct aead_backend *
choose(enum dco_cipher cipher)
{
    const char *name = setting_override(OVERRIDE_AEAD);

    for (size_t i = 0; i < BACKENDS; i++) {
        const struct aead_backend *b = backends[i];

        if (name != NULL ? strcmp(b->name, name) != 0 : !b->preferred(cipher))
            continue;
        if (b->usable(cipher))
            return b;
    }
    return NULL;
}

struct aead *
aead_new_by(const struct aead_backend *backend, enum dco_cipher cipher, const uint8_t *tx_key,
            const uint8_t *rx_key, size_t key_len, const uint8_t tx_tail[DCO_NONCE_TAIL_LEN],
            const uint8_t rx_tail[DCO_NONCE_TAIL_LEN], unsigned threads)
{
    struct aead *aead = backend->new (cipher, tx_key, rx_key, key_len, threads);

    if (aead == NULL)
        return NULL;
    for (uint8_t i = 0; i < BACKENDS; i++)
        if (backends[i] == backend)
            aead->backend = i;
    aead->mode = cipher == DCO_CIPHER_AES_GCM ? AEAD_GCM : AEAD_CHACHA;
    memcpy(aead->tx_tail, tx_tail, DCO_NONCE_TAIL_LEN);
    memcpy(aead->rx_tail, rx_tail, DCO_NONCE_TAIL_LEN);
    return aead;
}

struct aead *
aead_new(enum dco_cipher cipher, const uint8_t *tx_key, const uint8_t *rx_key, size_t key_len,
         const uint8_t tx_tail[DCO_NONCE_TAIL_LEN], const uint8_t rx_tail[DCO_NONCE_TAIL_LEN],
         unsigned threads)
{
    const struct aead_backend *backend = NULL;
    struct aead *aead;

    if (dco_cipher_takes(cipher, key_len) && threads > 0)
        backend = choose(cipher);
    if (backend == NULL) {
        errno = EINVAL;
        return NULL;
    }
    aead = aead_new_by(backend, cipher, tx_key, rx_key, key_len, tx_tail, rx_tail, threads);
    aead_forget();
    return aead;
}

void
aead_free(struct aead *aead)
{
    if (aead == NULL)
        return;
    dco_wipe(aead->tx_tail, sizeof(aead->tx_tail));
    dco_wipe(aead->rx_tail, sizeof(aead->rx_tail));
    backend_of(aead)->free(aead);
}

/* The array occupies the stack that the functions of the burst used. */
__attribute__((noinline)) void
aead_forget(void)
{
    UNINITIALIZED uint8_t left[AEAD_STACK]; /* its old content is what the wipe is for */

    dco_wipe(left, sizeof(left));
    aead_clear_registers();
}

void
aead_seal(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    backend_of(aead)->seal[aead->mode % AEAD_MODES](aead, thread, ops, n);
}

void
aead_open(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    backend_of(aead)->open[aead->mode % AEAD_MODES](aead, thread, ops, n);
}

const char *
aead_backend(const struct aead *aead)
{
    return backend_of(aead)->name;
}
