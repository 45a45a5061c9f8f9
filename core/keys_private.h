/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of a key. For core/ and its tests only.
 */
#ifndef DCO_KEYS_PRIVATE_H
#define DCO_KEYS_PRIVATE_H

#include "keys.h"
#include "replay.h"

#define DCO_KEY_WANTED_SOON 1U /* a soft limit was passed */
#define DCO_KEY_WANTED_NOW  2U /* the key no longer encrypts */

struct dco_key_new;

struct dco_key {
    const struct dco_env *env;           /* const */
    struct dco_deferred deferred;        /* owner: the last put */
    uint32_t refs;                       /* atomic; the slot holds one */
    uint8_t key_id;                      /* const, 0..7 */
    uint8_t cipher;                      /* const, enum dco_cipher */
    uint16_t key_len;                    /* const, bytes: 16, 24, 32 */
    uint8_t tx_tail[DCO_NONCE_TAIL_LEN]; /* const */
    uint8_t rx_tail[DCO_NONCE_TAIL_LEN]; /* const */
    void *crypto;                        /* const; the platform's keyed ciphers, both directions */
    uint64_t created_ns;                 /* const, monotonic */
    uint64_t serial; /* const; of two keys of one device the newer has the larger */

    uint64_t tx_next; /* atomic; next packet id, 64 bits wide so that it never wraps */
    uint64_t tx_sent
        __attribute__((aligned(64))); /* atomic; ids below it have left: dco_key_turn */
    uint64_t tx_blocks;               /* atomic; packets + blocks encrypted */
    uint64_t rx_blocks;               /* atomic; packets + blocks received */
    uint64_t rx_failures;             /* atomic */
    uint32_t wanted;                  /* atomic; DCO_KEY_WANTED_*: what was requested, each once */

    struct dco_lock replay_lock; /* leaf; taken once per burst */
    struct dco_replay replay;    /* replay_lock */
};

/* req: valid; the key takes over req->crypto. One reference. NULL: no memory. */
struct dco_key *dco_key_new(const struct dco_env *env, const struct dco_key_new *req,
                            uint64_t serial, uint64_t now_ns);
/* Replay lock. NULL if the key is consistent, else what is wrong. */
const char *dco_key_validate(const struct dco_key *key);
/* For dco_deferred_run(). */
void dco_key_end(struct dco_deferred *d);

#endif
