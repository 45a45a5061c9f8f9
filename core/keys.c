/* SPDX-License-Identifier: BSD-2-Clause */
#include "atomic.h"
#include "control.h"
#include "keys_private.h"

struct dco_key *
dco_key_new(const struct dco_env *env, const struct dco_key_new *req, uint64_t serial,
            uint64_t now_ns)
{
    struct dco_key *key = dco_env_alloc(env, sizeof(*key));

    if (key == NULL)
        return NULL;
    key->env = env;
    key->refs = 1;
    key->key_id = req->key_id;
    key->cipher = (uint8_t)req->cipher;
    key->key_len = req->key_len;
    memcpy(key->tx_tail, req->tx_tail, DCO_NONCE_TAIL_LEN);
    memcpy(key->rx_tail, req->rx_tail, DCO_NONCE_TAIL_LEN);
    key->crypto = req->crypto;
    key->created_ns = now_ns;
    key->serial = serial;
    key->tx_next = 1;
    key->tx_sent = 1;
    dco_lock_init(&key->replay_lock);
    dco_replay_init(&key->replay);
    return key;
}

void
dco_key_end(struct dco_deferred *d)
{
    struct dco_key *key = dco_deferred_in(d, struct dco_key);
    const struct dco_env *env = key->env;

    dco_env_crypto_free(env, key->crypto);
    dco_lock_fini(&key->replay_lock);
    dco_wipe(key, sizeof(*key));
    dco_env_free(env, key, sizeof(*key));
}

bool
dco_key_get(struct dco_key *key)
{
    return dco_ref_get(&key->refs);
}

void
dco_key_put(struct dco_key *key)
{
    if (!dco_ref_put(&key->refs))
        return;
    key->deferred.kind = DCO_DEFERRED_KEY;
    dco_env_defer(key->env, &key->deferred);
}

uint8_t
dco_key_id(const struct dco_key *key)
{
    return key->key_id;
}

enum dco_cipher
dco_key_cipher(const struct dco_key *key)
{
    return (enum dco_cipher)key->cipher;
}

void *
dco_key_crypto(const struct dco_key *key)
{
    return key->crypto;
}

const uint8_t *
dco_key_tx_tail(const struct dco_key *key)
{
    return key->tx_tail;
}

const uint8_t *
dco_key_rx_tail(const struct dco_key *key)
{
    return key->rx_tail;
}

/* True exactly once per key and level (DCO_KEY_WANTED_*). */
static bool
want_new(struct dco_key *key, bool limit_passed, uint32_t level)
{
    return limit_passed && (dco_load(&key->wanted) & level) != level &&
           (dco_fetch_or(&key->wanted, level) & level) != level;
}

/* A spent key also suppresses the soft request. */
static enum dco_drop
spent(struct dco_key *key, bool *want)
{
    *want = want_new(key, true, DCO_KEY_WANTED_SOON | DCO_KEY_WANTED_NOW);
    return DCO_DROP_TX_KEY_LIMIT;
}

/*
 * Blocks are charged before ids are taken. So every id that is taken is given to the caller, and
 * the ids given out are contiguous, which dco_key_turn() needs. Both counters only grow, so a key
 * that has refused once always refuses; they are too wide to wrap.
 */
enum dco_drop
dco_key_reserve(struct dco_key *key, uint32_t n, uint64_t cost, uint32_t *first, bool *want)
{
    uint64_t blocks = dco_fetch_add(&key->tx_blocks, cost) + cost;
    bool gcm = key->cipher == DCO_CIPHER_AES_GCM;
    uint64_t id;

    if (gcm && blocks > DCO_GCM_BLOCKS_MAX)
        return spent(key, want);
    id = dco_fetch_add(&key->tx_next, (uint64_t)n);
    if (id + n - 1 > DCO_PACKET_ID_MAX)
        return spent(key, want);
    *want = want_new(key, id + n > DCO_PACKET_ID_SOFT || (gcm && blocks > DCO_GCM_BLOCKS_SOFT),
                     DCO_KEY_WANTED_SOON);
    *first = (uint32_t)id;
    return DCO_DROP_NONE;
}

bool
dco_key_turn(const struct dco_key *key, uint32_t first)
{
    return dco_load_acquire(&key->tx_sent) == first;
}

void
dco_key_sent(struct dco_key *key, uint32_t first, uint32_t n)
{
    dco_store_release(&key->tx_sent, (uint64_t)first + n);
}

/* The limit is not exact: a thread may ask before another one has counted its failure. */
bool
dco_key_may_open(const struct dco_key *key)
{
    return dco_load(&key->rx_failures) < DCO_AUTH_FAILURES_MAX;
}

bool
dco_key_failed(struct dco_key *key, uint32_t n)
{
    uint64_t failures = dco_fetch_add(&key->rx_failures, (uint64_t)n) + n;

    return want_new(key, failures > DCO_AUTH_FAILURES_SOFT, DCO_KEY_WANTED_SOON);
}

bool
dco_key_opened(struct dco_key *key, uint64_t cost)
{
    uint64_t blocks = dco_fetch_add(&key->rx_blocks, cost) + cost;

    return want_new(key, key->cipher == DCO_CIPHER_AES_GCM && blocks > DCO_GCM_BLOCKS_SOFT,
                    DCO_KEY_WANTED_SOON);
}

bool
dco_key_lost(struct dco_key *key)
{
    return want_new(key, true, DCO_KEY_WANTED_NOW);
}

const char *
dco_key_validate(const struct dco_key *key)
{
    dco_lock_assert_held(&key->replay_lock);
    if (dco_load(&key->refs) == 0)
        return "a key in use has no reference";
    if (key->key_id > DCO_KEY_ID_MAX)
        return "a key has an id that no packet can carry";
    if (dco_load(&key->tx_sent) == 0 || dco_load(&key->tx_sent) > dco_load(&key->tx_next))
        return "a key has sent packet ids that it has not given out";
    return dco_replay_validate(&key->replay);
}
