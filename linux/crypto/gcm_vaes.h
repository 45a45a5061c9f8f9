/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AES-GCM (NIST SP 800-38D) on processors with VAES and VPCLMULQDQ for 256-bit vectors, for the
 * data channel's shape (wire.h): 8 bytes of additional data, 96-bit nonce, 16-byte tag. Constant
 * time: no table is looked up and no branch taken by anything but lengths.
 *
 * Threads: a key is only read once it is expanded.
 */
#ifndef DCO_CRYPTO_GCM_VAES_H
#define DCO_CRYPTO_GCM_VAES_H

#include "wire.h"

/* Blocks that are hashed without a reduction: a chunk of 256 bytes, and the lengths. */
#define GCM_POWERS 17U

struct gcm_vaes_key {
    uint8_t round[15][16];              /* AES round keys */
    uint8_t power[GCM_POWERS + 1][16];  /* of the hash key, the highest first; then zeros */
    uint8_t halves[GCM_POWERS + 1][16]; /* both halves of each, added */
    uint32_t rounds;                    /* 10, 12 or 14 */
} __attribute__((aligned(64)));

/* Does this processor, under this kernel, have what the others need? */
bool gcm_vaes_supported(void);

/* len: 16, 24 or 32. */
void gcm_vaes_expand(struct gcm_vaes_key *key, const uint8_t *bytes, size_t len);

/* len bytes from in to out, which are the same or do not overlap; 0 is allowed. hdr: the packet's,
 * which is the additional data and whose packet id begins the nonce; tail: the rest of the nonce.
 * The tag is written by both: whoever opens compares it. */
void gcm_vaes_seal(const struct gcm_vaes_key *key, const uint8_t hdr[DCO_HDR_LEN],
                   const uint8_t tail[DCO_NONCE_TAIL_LEN], uint8_t *out, const uint8_t *in,
                   uint32_t len, uint8_t tag[DCO_TAG_LEN]);
void gcm_vaes_open(const struct gcm_vaes_key *key, const uint8_t hdr[DCO_HDR_LEN],
                   const uint8_t tail[DCO_NONCE_TAIL_LEN], uint8_t *out, const uint8_t *in,
                   uint32_t len, uint8_t tag[DCO_TAG_LEN]);

#endif
