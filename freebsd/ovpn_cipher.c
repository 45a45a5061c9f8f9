/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_cipher.h"

/* One direction. Drivers may keep the key pointer of the session parameters, so the key lives as
 * long as the session does. */
struct direction {
    crypto_session_t crypto; /* atomic; writers: lock. NULL: cipher none, or the driver has gone */
    device_t driver;         /* lock; the driver of the session */
    int driver_id;           /* lock; its number in the framework */
    uint8_t key[OVPN_KEY_MAX];
};

struct ovpn_cipher {
    struct mtx lock; /* leaf */
    struct direction tx, rx;
};

static void
set_session(struct ovpn_cipher *cipher, struct direction *s, crypto_session_t crypto)
{
    mtx_assert(&cipher->lock, MA_OWNED);
    s->driver_id = (int)crypto_ses2hid(crypto);
    s->driver = crypto_find_device_byhid(s->driver_id);
    dco_store_release(&s->crypto, crypto);
}

static int
new_session(struct ovpn_cipher *c, struct direction *s, enum dco_cipher cipher, const uint8_t *key,
            size_t key_len)
{
    struct crypto_session_params csp = {
        .csp_mode = CSP_MODE_AEAD,
        .csp_flags = CSP_F_SEPARATE_AAD,
        .csp_cipher_alg =
            cipher == DCO_CIPHER_AES_GCM ? CRYPTO_AES_NIST_GCM_16 : CRYPTO_CHACHA20_POLY1305,
        .csp_cipher_klen = (int)key_len,
        .csp_cipher_key = s->key,
        .csp_ivlen = DCO_NONCE_LEN,
    };
    crypto_session_t crypto;
    int error;

    memcpy(s->key, key, key_len);
    error = crypto_newsession(&crypto, &csp, CRYPTOCAP_F_HARDWARE | CRYPTOCAP_F_SOFTWARE);
    if (error != 0)
        return error;
    mtx_lock(&c->lock);
    set_session(c, s, crypto);
    mtx_unlock(&c->lock);
    return 0;
}

int
ovpn_cipher_new(struct ovpn_cipher **out, enum dco_cipher cipher, size_t key_len,
                const uint8_t *tx_key, const uint8_t *rx_key)
{
    struct ovpn_cipher *c;
    int error = 0;

    if (key_len > OVPN_KEY_MAX)
        return EINVAL;
    c = malloc(sizeof(*c), M_OVPN, M_WAITOK | M_ZERO);
    mtx_init(&c->lock, "if_ovpn cipher", NULL, MTX_DEF);
    if (cipher != DCO_CIPHER_NONE) {
        error = new_session(c, &c->tx, cipher, tx_key, key_len);
        if (error == 0)
            error = new_session(c, &c->rx, cipher, rx_key, key_len);
    }
    if (error != 0) {
        ovpn_cipher_free(c);
        return error;
    }
    *out = c;
    return 0;
}

void
ovpn_cipher_free(struct ovpn_cipher *cipher)
{
    if (cipher == NULL)
        return;
    crypto_freesession(cipher->tx.crypto);
    crypto_freesession(cipher->rx.crypto);
    mtx_destroy(&cipher->lock);
    zfree(cipher, M_OVPN);
}

static struct direction *
direction(struct ovpn_cipher *cipher, bool tx)
{
    return tx ? &cipher->tx : &cipher->rx;
}

crypto_session_t
ovpn_cipher_session(struct ovpn_cipher *cipher, bool tx)
{
    return dco_load_acquire(&direction(cipher, tx)->crypto);
}

/* EAGAIN has two meanings. From a driver: it is busy, and the session is unchanged. From the
 * framework: the driver has gone and the session that the request was made with is freed;
 * crp_session is a new session that is now ours or, if no other driver has the cipher, still the
 * freed one. If only the driver's address tells the two cases apart, the session is given up: a
 * lost session costs a new key, the use of a freed one costs more. */
bool
ovpn_cipher_change_session(struct ovpn_cipher *cipher, bool tx, crypto_session_t used,
                           crypto_session_t now)
{
    struct direction *s = direction(cipher, tx);
    crypto_session_t surplus = NULL;
    bool lost = false;

    mtx_lock(&cipher->lock);
    if (now != used) {
        if (s->crypto == used || s->crypto == NULL)
            set_session(cipher, s, now);
        else /* another request has already brought one */
            surplus = now;
    } else if (s->crypto == used && crypto_find_device_byhid(s->driver_id) != s->driver) {
        dco_store_release(&s->crypto, (crypto_session_t)NULL);
        lost = true;
    }
    mtx_unlock(&cipher->lock);
    crypto_freesession(surplus);
    return lost;
}
