/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of a peer in two slots. The primary key encrypts, both decrypt. A key that leaves its slot
 * while a newer one encrypts decrypts for DCO_KEY_RETIRED_NS more: the other end may be later with
 * the change of keys, and packets may be on their way.
 *
 * Guarantees: a packet id is given out once per key, whatever the number of threads. A key refuses
 * to encrypt before an id or the AEAD's usage bound could be exceeded. A key that no longer
 * decrypts is wiped once the last reader and the last reference are gone.
 *
 * Threads: slots are changed under the control lock and read inside a read section. A reader that
 * keeps a key beyond its read section (asynchronous crypto) takes a reference.
 */
#ifndef DCO_KEYS_H
#define DCO_KEYS_H

#include "drop.h"
#include "env.h"
#include "wire.h"

/* Values of the netlink ABIs. */
enum dco_cipher {
    DCO_CIPHER_NONE = 0,
    DCO_CIPHER_AES_GCM = 1,
    DCO_CIPHER_CHACHA20_POLY1305 = 2,
};

/* Whether cipher encrypts with keys of key_len bytes. False for NONE. */
static inline bool
dco_cipher_takes(enum dco_cipher cipher, size_t key_len)
{
    switch (cipher) {
    case DCO_CIPHER_AES_GCM:
        return key_len == 16 || key_len == 24 || key_len == 32;
    case DCO_CIPHER_CHACHA20_POLY1305:
        return key_len == 32;
    default:
        return false;
    }
}

enum dco_slot {
    DCO_SLOT_PRIMARY = 0,
    DCO_SLOT_SECONDARY = 1,
};

#define DCO_PACKET_ID_MAX 0xffffffffULL
/* A new key is requested at half of the ids, as by FreeBSD's driver. */
#define DCO_PACKET_ID_SOFT 0x80000000ULL
/* AES-GCM: packets plus 16-byte blocks under one key (the bound that OpenVPN 2.7 enforces). A new
 * key is requested at 7/8 of it. */
#define DCO_GCM_BLOCKS_MAX  ((1ULL << 36) - 1)
#define DCO_GCM_BLOCKS_SOFT (DCO_GCM_BLOCKS_MAX / 8 * 7)
/* Failed authentications after which a key no longer decrypts (OpenVPN 2.7; RFC 9001 6.6 has the
 * reasoning). */
#define DCO_AUTH_FAILURES_MAX  (1ULL << 36)
#define DCO_AUTH_FAILURES_SOFT (1ULL << 35)

/* How long an old key decrypts after it left its slot; it ends DCO_TIMER_GRAIN_NS late at most. */
#define DCO_KEY_RETIRED_NS 2000000000ULL

struct dco_key;

/* Constant properties. dco_key_crypto(): the platform's keyed ciphers for both directions. The
 * tails have DCO_NONCE_TAIL_LEN bytes. Ask once for all packets that use the key in a burst. */
uint8_t dco_key_id(const struct dco_key *key);
enum dco_cipher dco_key_cipher(const struct dco_key *key);
void *dco_key_crypto(const struct dco_key *key);
const uint8_t *dco_key_tx_tail(const struct dco_key *key);
const uint8_t *dco_key_rx_tail(const struct dco_key *key);

/* How much a packet of len inner bytes adds to the use of a key. */
static inline uint64_t
dco_key_cost(size_t len)
{
    return 1 + (len + 15) / 16;
}

/* Takes n consecutive packet ids, n >= 1, and charges cost (the sum of dco_key_cost()). Returns
 * DCO_DROP_NONE and the first id, or DCO_DROP_TX_KEY_LIMIT: then the key never encrypts again.
 * *want_new is set to true for exactly one caller when the soft limit is first passed, and for one
 * more when the key first refuses. */
enum dco_drop dco_key_reserve(struct dco_key *key, uint32_t n, uint64_t cost, uint32_t *first,
                              bool *want_new);

/* Sending in order: the ids of a key leave in the order in which they were given out, even if
 * several threads encrypt. A thread that has sealed its range may send once dco_key_turn() is true
 * for its first id. It calls dco_key_sent() when it has sent or given up the n packets. */
bool dco_key_turn(const struct dco_key *key, uint32_t first);
void dco_key_sent(struct dco_key *key, uint32_t first, uint32_t n);

/* A reference for use beyond the read section; key must be visible in the current one. False if the
 * last reference is already gone. */
bool dco_key_get(struct dco_key *key);
void dco_key_put(struct dco_key *key);

/* False for a key that has failed too often: its packets are dropped as DCO_DROP_RX_KEY_LIMIT
 * before any work is spent on them. (A single failure is DCO_DROP_RX_AUTH.) */
bool dco_key_may_open(const struct dco_key *key);
/* Counts n packets that failed authentication, or packets of this cost that passed. Both return
 * true to exactly one caller per key (dco_key_reserve() included) when a soft limit is first
 * passed. That caller requests a new key by dco_peers_want_key(). */
bool dco_key_failed(struct dco_key *key, uint32_t n);
bool dco_key_opened(struct dco_key *key, uint64_t cost);

/* The platform can no longer use the key. Returns true as above. */
bool dco_key_lost(struct dco_key *key);

#endif
