/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealing and opening bursts of data packets: AES-GCM and ChaCha20-Poly1305 (RFC 5116, RFC 8439)
 * over the layout of core/wire.h. Three implementations with the same result, of which the fastest
 * on this processor is taken: libipsec-mb and our own AES-GCM on x86-64 (aead_vaes.c says where),
 * OpenSSL everywhere else. The environment variable OPENDCO_AEAD (openssl, ipsec-mb or vaes)
 * overrides the choice, for tests.
 *
 * Threads: a key may be used by several threads at once, each with a thread index of its own. A key
 * is freed when nobody uses it any more.
 *
 * Secrets: expanded keys lie in locked memory that is in no core dump and not in children
 * (secret.h), wiped when freed; so are nonce tails, which are not locked. The copy inside OpenSSL's
 * contexts lies on its heap, which cannot be locked; OpenSSL wipes it.
 */
#ifndef DCO_CRYPTO_AEAD_H
#define DCO_CRYPTO_AEAD_H

#include "keys.h"
#include "wire.h"

/* One packet of a burst. At pkt: header (DCO_HDR_LEN, filled in by the caller), tag (written by
 * seal, read by open), text. */
struct aead_op {
    uint8_t *pkt;
    const uint8_t *in; /* seal: the plaintext; pkt + DCO_OVERHEAD, or no overlap with the text */
    uint32_t len;      /* of the text, bytes; 0 is allowed */
    bool ok;           /* result */
};

struct aead; /* a key for both directions */

/* NULL with errno EINVAL (no such cipher, key length or OPENDCO_AEAD, or not offered by this
 * machine's libraries) or ENOMEM. key_len bytes at each key, DCO_NONCE_TAIL_LEN at each tail; read
 * during the call only. threads: how many threads may use the key at the same time, at least 1. */
struct aead *aead_new(enum dco_cipher cipher, const uint8_t *tx_key, const uint8_t *rx_key,
                      size_t key_len, const uint8_t tx_tail[DCO_NONCE_TAIL_LEN],
                      const uint8_t rx_tail[DCO_NONCE_TAIL_LEN], unsigned threads);

/* NULL is allowed. */
void aead_free(struct aead *aead);

/* Encrypts n packets with the sending key. ok is false only if OpenSSL had no memory. thread <
 * threads.
 */
void aead_seal(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n);

/* Decrypts n packets in place with the receiving key; in is not used. Where ok is false the tag was
 * wrong and the text is undefined. Tags are compared in constant time. */
void aead_open(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n);

/* Overwrites what sealing, opening and making keys left in the calling thread's vector registers
 * and on its stack: nonces, key stream, pieces of text. Once after a burst, by the function under
 * which it ran, at most AEAD_STACK bytes above; about 50 ns. */
#define AEAD_STACK 4096U
void aead_forget(void);

/* "vaes", "ipsec-mb" or "openssl". */
const char *aead_backend(const struct aead *aead);

#endif
