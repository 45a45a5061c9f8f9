/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an implementation of aead.h provides. aead.c checks arguments, chooses an implementation and
 * fills in the part that all keys share. A key names its implementation by a number and holds no
 * pointer to a function: keys are in writable memory, and openvpn's thread, which has no system
 * call filter, uses them too.
 */
#ifndef DCO_CRYPTO_BACKEND_H
#define DCO_CRYPTO_BACKEND_H

#include "linux/crypto/aead.h"

/* The first member of the struct of each implementation. Constant between new and free. */
struct aead {
    uint8_t backend; /* index of the table in aead.c */
    uint8_t mode;    /* enum aead_mode */
    uint8_t tx_tail[DCO_NONCE_TAIL_LEN];
    uint8_t rx_tail[DCO_NONCE_TAIL_LEN];
};

enum aead_mode { AEAD_GCM, AEAD_CHACHA, AEAD_MODES };

typedef void aead_burst_fn(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n);

struct aead_backend {
    const char *name;

    /* Whether this machine has it and its results are correct; whether it would be the fastest. Any
     * thread, in any order. */
    bool (*usable)(enum dco_cipher cipher);
    bool (*preferred)(enum dco_cipher cipher);

    /* aead.c has checked the arguments. NULL with errno EINVAL or ENOMEM. */
    struct aead *(*new)(enum dco_cipher cipher, const uint8_t *tx_key, const uint8_t *rx_key,
                        size_t key_len, unsigned threads);
    void (*free)(struct aead *aead);

    aead_burst_fn *seal[AEAD_MODES], *open[AEAD_MODES];
};

/* aead_new() without its checks and without a choice. The backend is usable for the cipher. */
struct aead *aead_new_by(const struct aead_backend *backend, enum dco_cipher cipher,
                         const uint8_t *tx_key, const uint8_t *rx_key, size_t key_len,
                         const uint8_t tx_tail[DCO_NONCE_TAIL_LEN],
                         const uint8_t rx_tail[DCO_NONCE_TAIL_LEN], unsigned threads);

/* Clears the vector registers, for aead_forget(). */
void aead_clear_registers(void);

/* Constant time. */
static inline bool
aead_tags_equal(const uint8_t *a, const uint8_t *b)
{
    uint64_t x[2], y[2];

    memcpy(x, a, sizeof(x));
    memcpy(y, b, sizeof(y));
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

extern const struct aead_backend aead_vaes;
extern const struct aead_backend aead_imb;
extern const struct aead_backend aead_ossl;

#endif
