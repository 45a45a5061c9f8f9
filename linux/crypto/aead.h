/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealing and opening bursts of data packets: AES-GCM and ChaCha20-Poly1305 (RFC 5116, RFC 8439)
 * over the layout of core/wire.h. Three implementations give the same result; the fastest one on
 * this processor is used: our own AES-GCM (aead_vaes.c says where) or libipsec-mb on x86-64,
 * OpenSSL elsewhere. The environment variable OPENDCO_AEAD (openssl, ipsec-mb or vaes) overrides
 * the choice, for tests.
 *
 * Threads: several threads may use one key at once, each with its own thread index. The caller
 * frees a key after its last use.
 *
 * Secrets: expanded keys are in locked memory that core dumps and children do not get (secret.h).
 * They and the nonce tails, which are not locked, are wiped when the key is freed. OpenSSL keeps
 * another copy on its heap, which cannot be locked, and wipes it.
 */
#ifndef DCO_CRYPTO_AEAD_H
#define DCO_CRYPTO_AEAD_H

#include "core/keys.h"
#include "core/wire.h"

/* One packet of a burst. pkt points to the header (DCO_HDR_LEN bytes, from the caller), the tag
 * (seal writes it, open reads it) and the text. */
struct aead_op {
    uint8_t *pkt;
    const uint8_t *in; /* seal: the plaintext, at pkt + DCO_OVERHEAD or apart from the text */
    uint32_t len;      /* bytes of the text; 0 is allowed */
    bool ok;           /* result */
};

struct aead; /* a key for both directions */

/* Returns NULL with errno ENOMEM, or EINVAL if the key length is wrong or no implementation on this
 * machine (or none that OPENDCO_AEAD names) has the cipher. Each key has key_len bytes; keys and
 * tails are read during the call only. threads: how many threads may use the key at once, at least
 * 1. */
struct aead *aead_new(enum dco_cipher cipher, const uint8_t *tx_key, const uint8_t *rx_key,
                      size_t key_len, const uint8_t tx_tail[DCO_NONCE_TAIL_LEN],
                      const uint8_t rx_tail[DCO_NONCE_TAIL_LEN], unsigned threads);

/* NULL is allowed. */
void aead_free(struct aead *aead);

/* Encrypts n packets with the sending key. thread is below the threads of aead_new(). ok becomes
 * false only if OpenSSL had no memory. */
void aead_seal(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n);

/* Decrypts n packets in place with the receiving key; `in` is not used. ok becomes false if the tag
 * is wrong; the text is then undefined. Tags are compared in constant time. */
void aead_open(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n);

/* Overwrites the nonces, key stream and pieces of text that the functions above left in the calling
 * thread's vector registers and on its stack. The function that ran a burst calls this once after
 * it, because it clears AEAD_STACK bytes below its caller's frame. Takes about 50 ns. */
#define AEAD_STACK 4096U
void aead_forget(void);

/* "vaes", "ipsec-mb" or "openssl". */
const char *aead_backend(const struct aead *aead);

#endif
