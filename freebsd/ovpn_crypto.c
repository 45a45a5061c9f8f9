/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_crypto.h"

#include <vm/uma.h>

/* Drivers may keep the key pointers of the session parameters, so the keys live as long as the
 * sessions do. */
struct ovpn_cipher {
    crypto_session_t tx; /* atomic; NULL: cipher none */
    crypto_session_t rx;
    uint8_t tx_key[OVPN_KEY_MAX];
    uint8_t rx_key[OVPN_KEY_MAX];
};

static uma_zone_t job_zone;

int
ovpn_crypto_load(void)
{
    job_zone = uma_zcreate("if_ovpn jobs", sizeof(struct ovpn_job), NULL, NULL, NULL, NULL,
                           UMA_ALIGN_CACHE, 0);
    return job_zone != NULL ? 0 : ENOMEM;
}

void
ovpn_crypto_unload(void)
{
    uma_zdestroy(job_zone);
}

static int
new_session(crypto_session_t *session, enum dco_cipher cipher, const uint8_t *key, size_t key_len)
{
    struct crypto_session_params csp = {
        .csp_mode = CSP_MODE_AEAD,
        .csp_flags = CSP_F_SEPARATE_AAD,
        .csp_cipher_alg =
            cipher == DCO_CIPHER_AES_GCM ? CRYPTO_AES_NIST_GCM_16 : CRYPTO_CHACHA20_POLY1305,
        .csp_cipher_klen = (int)key_len,
        .csp_cipher_key = key,
        .csp_ivlen = DCO_NONCE_LEN,
    };

    return crypto_newsession(session, &csp, CRYPTOCAP_F_HARDWARE | CRYPTOCAP_F_SOFTWARE);
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
    if (cipher != DCO_CIPHER_NONE) {
        memcpy(c->tx_key, tx_key, key_len);
        memcpy(c->rx_key, rx_key, key_len);
        error = new_session(&c->tx, cipher, c->tx_key, key_len);
        if (error == 0)
            error = new_session(&c->rx, cipher, c->rx_key, key_len);
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
    crypto_freesession(cipher->tx);
    crypto_freesession(cipher->rx);
    zfree(cipher, M_OVPN);
}

struct ovpn_job *
ovpn_job_new(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key)
{
    struct ovpn_job *job = uma_zalloc(job_zone, M_NOWAIT);

    if (job == NULL)
        return NULL;
    if (!dco_key_get(key))
        goto gone;
    if (!dco_peer_get(peer))
        goto peer_gone;
    job->sc = sc;
    job->peer = peer;
    job->key = key;
    return job;
peer_gone:
    dco_key_put(key);
gone:
    uma_zfree(job_zone, job);
    return NULL;
}

void
ovpn_job_free(struct ovpn_job *job)
{
    dco_key_put(job->key);
    dco_peer_put(job->peer);
    uma_zfree(job_zone, job);
}

/* The 12 bytes that crypto needs apart are copied, so the packet may lie in any number of mbufs. */
static void
prepare(struct ovpn_job *job, crypto_session_t session, int offset, const uint8_t *nonce_tail)
{
    struct cryptop *crp = &job->crp;

    crypto_initreq(crp, session);
    m_copydata(job->m, offset, DCO_AAD_LEN, (caddr_t)job->aad);
    dco_wire_nonce(crp->crp_iv, job->aad, nonce_tail);
    crp->crp_aad = job->aad;
    crp->crp_aad_length = DCO_AAD_LEN;
    crp->crp_digest_start = offset + (int)DCO_HDR_LEN;
    crp->crp_payload_start = offset + (int)DCO_OVERHEAD;
    crp->crp_payload_length = (int)job->inner_len;
    crp->crp_flags = CRYPTO_F_IV_SEPARATE | CRYPTO_F_CBIFSYNC;
    crp->crp_opaque = job;
    crypto_use_mbuf(crp, job->m);
}

/* Drivers report errors through the callback alone. */
static void
dispatch(struct ovpn_job *job, int (*done)(struct cryptop *))
{
    job->crp.crp_callback = done;
    if (V_ovpn_async_crypto)
        (void)crypto_dispatch_async(&job->crp, CRYPTO_ASYNC_ORDERED);
    else
        (void)crypto_dispatch(&job->crp);
}

void
ovpn_job_seal(struct ovpn_job *job, int offset, int (*done)(struct cryptop *))
{
    struct ovpn_cipher *cipher = job->key->crypto;

    prepare(job, dco_load_acquire(&cipher->tx), offset, job->key->tx_tail);
    job->crp.crp_op = CRYPTO_OP_ENCRYPT | CRYPTO_OP_COMPUTE_DIGEST;
    dispatch(job, done);
}

void
ovpn_job_open(struct ovpn_job *job, int offset, int (*done)(struct cryptop *))
{
    struct ovpn_cipher *cipher = job->key->crypto;

    prepare(job, dco_load_acquire(&cipher->rx), offset, job->key->rx_tail);
    job->crp.crp_op = CRYPTO_OP_DECRYPT | CRYPTO_OP_VERIFY_DIGEST;
    dispatch(job, done);
}

/* A driver that left took its session along; the framework then says EAGAIN and has made another
 * one, which is what later packets must use. This packet is lost. */
int
ovpn_job_result(struct ovpn_job *job)
{
    struct ovpn_cipher *cipher = job->key->crypto;
    bool seal = CRYPTO_OP_IS_ENCRYPT(job->crp.crp_op);
    int error = job->crp.crp_etype;

    if (error == EAGAIN)
        dco_store_release(seal ? &cipher->tx : &cipher->rx, job->crp.crp_session);
    crypto_destroyreq(&job->crp);
    return error;
}
