/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an implementation of aead.h provides. aead.c checks arguments, chooses one and fills in what
 * they share. A key names its implementation by a number, and functions stand in constant tables
 * only: keys lie in memory that can be written, and threads without a filter use them, too.
 */
#ifndef DCO_AEAD_BACKEND_H
#define DCO_AEAD_BACKEND_H

#include "aead.h"

/* The first member of each implementation's own struct. Constant between new and free. */
struct dco_aead {
    uint8_t backend; /* index of the table in aead.c */
    uint8_t mode;    /* enum dco_aead_mode */
    uint8_t tx_tail[DCO_NONCE_TAIL_LEN];
    uint8_t rx_tail[DCO_NONCE_TAIL_LEN];
};

enum dco_aead_mode { DCO_AEAD_GCM, DCO_AEAD_CHACHA, DCO_AEAD_MODES };

typedef void dco_aead_burst_fn(struct dco_aead *aead, unsigned lane, struct dco_aead_op *ops,
                               unsigned n);

struct dco_aead_backend {
    const char *name;

    /* Is it there and correct on this machine; and would it then be the faster one? Any thread, in
     * any order. */
    bool (*usable)(enum dco_cipher cipher);
    bool (*preferred)(enum dco_cipher cipher);

    /* The arguments were checked. NULL with errno EINVAL or ENOMEM. */
    struct dco_aead *(*new)(enum dco_cipher cipher, const uint8_t *tx_key, const uint8_t *rx_key,
                            size_t key_len, unsigned lanes);
    void (*free)(struct dco_aead *aead);

    dco_aead_burst_fn *seal[DCO_AEAD_MODES], *open[DCO_AEAD_MODES];
};

/* dco_aead_new() without its checks and choice: the backend is usable for the cipher. */
struct dco_aead *dco_aead_new_by(const struct dco_aead_backend *backend, enum dco_cipher cipher,
                                 const uint8_t *tx_key, const uint8_t *rx_key, size_t key_len,
                                 const uint8_t tx_tail[DCO_NONCE_TAIL_LEN],
                                 const uint8_t rx_tail[DCO_NONCE_TAIL_LEN], unsigned lanes);

/* For dco_aead_forget(). */
void dco_aead_clear_registers(void);

/* Constant time. */
static inline bool
dco_aead_tags_equal(const uint8_t *a, const uint8_t *b)
{
    uint64_t x[2], y[2];

    memcpy(x, a, sizeof(x));
    memcpy(y, b, sizeof(y));
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

extern const struct dco_aead_backend dco_aead_vaes;
extern const struct dco_aead_backend dco_aead_imb;
extern const struct dco_aead_backend dco_aead_ossl;

/* Only in builds for benchmarks: see aead_null.c. */
extern const struct dco_aead_backend dco_aead_null __attribute__((weak));

#endif
