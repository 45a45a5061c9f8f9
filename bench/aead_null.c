/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux/crypto/aead.h without a cipher: packets travel as they are and every tag is right. Linked
 * in the place of linux/crypto, it shows what a path costs without cryptography.
 */
#include <errno.h>
#include <stdlib.h>

#include "linux/crypto/aead.h"

struct aead {
    uint8_t unused;
};

struct aead *
aead_new(enum dco_cipher cipher, const uint8_t *tx_key, const uint8_t *rx_key, size_t key_len,
         const uint8_t tx_tail[DCO_NONCE_TAIL_LEN], const uint8_t rx_tail[DCO_NONCE_TAIL_LEN],
         unsigned threads)
{
    (void)tx_key;
    (void)rx_key;
    (void)tx_tail;
    (void)rx_tail;
    (void)threads;
    if (!dco_cipher_takes(cipher, key_len)) {
        errno = EINVAL;
        return NULL;
    }
    return calloc(1, sizeof(struct aead));
}

void
aead_free(struct aead *aead)
{
    free(aead);
}

void
aead_seal(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    (void)aead;
    (void)thread;
    for (unsigned i = 0; i < n; i++) {
        memset(ops[i].pkt + DCO_HDR_LEN, 0, DCO_TAG_LEN);
        if (ops[i].in != ops[i].pkt + DCO_OVERHEAD)
            memcpy(ops[i].pkt + DCO_OVERHEAD, ops[i].in, ops[i].len);
        ops[i].ok = true;
    }
}

void
aead_open(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    (void)aead;
    (void)thread;
    for (unsigned i = 0; i < n; i++)
        ops[i].ok = true;
}

void
aead_forget(void)
{
}

const char *
aead_backend(const struct aead *aead)
{
    (void)aead;
    return "null";
}
