/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AES-GCM (NIST SP 800-38D) on processors with VAES and VPCLMULQDQ for 256-bit vectors, for the
 * data channel's shape (wire.h): 8 bytes of additional data, 96-bit nonce, 16-byte tag. It runs in
 * constant time: there are no tables, and branches depend on lengths only.
 *
 * Threads: any number may use a key that has been expanded.
 */
#ifndef DCO_CRYPTO_GCM_VAES_H
#define DCO_CRYPTO_GCM_VAES_H

#include "core/wire.h"

/* Blocks that are hashed with one reduction: a chunk of 256 bytes, and the lengths. */
#define GCM_POWERS 17U

struct gcm_vaes_key {
    uint8_t round[15][16];              /* AES round keys */
    uint8_t power[GCM_POWERS + 1][16];  /* of the hash key, highest first; then zeros */
    uint8_t halves[GCM_POWERS + 1][16]; /* the sum of both halves of each power */
    uint32_t rounds;                    /* 10, 12 or 14 */
} __attribute__((aligned(64)));

/* Whether the processor and the kernel have the instructions for the other functions. */
bool gcm_vaes_supported(void);

/* len: 16, 24 or 32. */
void gcm_vaes_expand(struct gcm_vaes_key *key, const uint8_t *bytes, size_t len);

/* Process len bytes (0 is allowed) from in to out, which are equal or do not overlap. hdr is the
 * header of the packet: it is the additional data, and its packet id begins the nonce. tail is the
 * rest of the nonce. Both functions write the tag; the caller of gcm_vaes_open() compares it. */
void gcm_vaes_seal(const struct gcm_vaes_key *key, const uint8_t hdr[DCO_HDR_LEN],
                   const uint8_t tail[DCO_NONCE_TAIL_LEN], uint8_t *out, const uint8_t *in,
                   uint32_t len, uint8_t tag[DCO_TAG_LEN]);
void gcm_vaes_open(const struct gcm_vaes_key *key, const uint8_t hdr[DCO_HDR_LEN],
                   const uint8_t tail[DCO_NONCE_TAIL_LEN], uint8_t *out, const uint8_t *in,
                   uint32_t len, uint8_t tag[DCO_TAG_LEN]);

#endif
