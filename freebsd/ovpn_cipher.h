/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The OpenCrypto sessions of a key, one for each direction.
 */
#ifndef OVPN_CIPHER_H
#define OVPN_CIPHER_H

#include "ovpn_softc.h"

#include <opencrypto/cryptodev.h>

#define OVPN_KEY_MAX 32 /* bytes */

struct ovpn_cipher; /* both directions of one key; dco_key_crypto() */

/* key_len bytes each. cipher NONE gives a cipher without sessions. 0 or an errno. May sleep. */
int ovpn_cipher_new(struct ovpn_cipher **out, enum dco_cipher cipher, size_t key_len,
                    const uint8_t *tx_key, const uint8_t *rx_key);
/* Wipes. NULL is allowed. No job may use the cipher any more. */
void ovpn_cipher_free(struct ovpn_cipher *cipher);

/* The session that encrypts (tx) or decrypts. NULL: cipher none, or the session was given up. */
crypto_session_t ovpn_cipher_session(struct ovpn_cipher *cipher, bool tx);

/* Call it for a request that completed with EAGAIN. It was made with the session `used`, and the
 * framework has left `now` in it. True if the session was given up: the key must be replaced. */
bool ovpn_cipher_change_session(struct ovpn_cipher *cipher, bool tx, crypto_session_t used,
                                crypto_session_t now);

#endif
