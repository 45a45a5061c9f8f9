/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_crypto.h"

#include <sys/kernel.h>
#include <sys/smp.h>

#include <vm/uma.h>

#include "ovpn_sysctl.h"

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

static uma_zone_t job_zone; /* const while the module is loaded */

int
ovpn_crypto_load(void)
{
    job_zone = uma_zcreate("if_ovpn jobs", sizeof(struct ovpn_job), NULL, NULL, NULL, NULL,
                           UMA_ALIGN_CACHE, 0);
    return job_zone != NULL ? 0 : ENOMEM;
}

/* A callback may still run its last instructions, those after its network epoch, in a thread of the
 * framework. Such a thread has a higher priority than this one, so when this thread has run on
 * every CPU, the callbacks have returned. */
void
ovpn_crypto_unload(void)
{
    pause("ovpnul", MAX(1, hz / 10));
    (void)quiesce_all_cpus("ovpnul", PDROP);
    uma_zdestroy(job_zone);
}

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

struct ovpn_job *
ovpn_job_new(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key)
{
    struct ovpn_job *job = uma_zalloc(job_zone, M_NOWAIT);

    NET_EPOCH_ASSERT();
    if (job == NULL)
        return NULL;
    if (!dco_key_get(key))
        goto gone;
    if (!dco_peer_get(peer))
        goto peer_gone;
    job->sc = sc;
    job->era = dco_load(&sc->era);
    job->peer = peer;
    job->key = key;
    return job;
peer_gone:
    dco_key_put(key);
gone:
    uma_zfree(job_zone, job);
    return NULL;
}

/* The nonce contains a secret part, which lives as long as the key. A job has no copy of the key.
 */
void
ovpn_job_free(struct ovpn_job *job)
{
    dco_wipe(job->crp.crp_iv, sizeof(job->crp.crp_iv));
    dco_key_put(job->key);
    dco_peer_put(job->peer);
    uma_zfree(job_zone, job);
}

/* Header and nonce are copied out of the packet, which may lie in any number of mbufs. */
static void
prepare(struct ovpn_job *job, const struct direction *s, int offset, const uint8_t *nonce_tail)
{
    struct cryptop *crp = &job->crp;

    job->session = dco_load_acquire(&s->crypto);
    crypto_initreq(crp, job->session);
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
    if (job->session == NULL) {
        job->crp.crp_etype = ENXIO;
        (void)done(&job->crp);
        return;
    }
    if (V_ovpn_async_crypto)
        (void)crypto_dispatch_async(&job->crp, CRYPTO_ASYNC_ORDERED);
    else
        (void)crypto_dispatch(&job->crp);
}

void
ovpn_job_seal(struct ovpn_job *job, int offset, int (*done)(struct cryptop *))
{
    struct ovpn_cipher *cipher = dco_key_crypto(job->key);

    prepare(job, &cipher->tx, offset, dco_key_tx_tail(job->key));
    job->crp.crp_op = CRYPTO_OP_ENCRYPT | CRYPTO_OP_COMPUTE_DIGEST;
    dispatch(job, done);
}

void
ovpn_job_open(struct ovpn_job *job, int offset, int (*done)(struct cryptop *))
{
    struct ovpn_cipher *cipher = dco_key_crypto(job->key);

    prepare(job, &cipher->rx, offset, dco_key_rx_tail(job->key));
    job->crp.crp_op = CRYPTO_OP_DECRYPT | CRYPTO_OP_VERIFY_DIGEST;
    dispatch(job, done);
}

/* EAGAIN has two meanings. From a driver: it is busy, and the session is unchanged. From the
 * framework: the driver has gone and the session that the request was made with is freed;
 * crp_session is a new session that is now ours or, if no other driver has the cipher, still the
 * freed one. If only the driver's address tells the two cases apart, the session is given up: a
 * lost session costs a new key, the use of a freed one costs more. True if it was given up. */
static bool
change_session(struct ovpn_cipher *cipher, struct direction *s, crypto_session_t used,
               crypto_session_t now)
{
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

/* A key that has lost a session, of either direction, must be replaced. */
static void
try_again(struct ovpn_job *job)
{
    struct ovpn_cipher *cipher = dco_key_crypto(job->key);
    struct direction *s = CRYPTO_OP_IS_ENCRYPT(job->crp.crp_op) ? &cipher->tx : &cipher->rx;

    if (!change_session(cipher, s, job->session, job->crp.crp_session) || ovpn_job_is_late(job))
        return;
    if (dco_key_lost(job->key))
        dco_peers_want_key(dco_peer_set(job->peer), job->peer);
}

/* The packet is lost if its driver is busy or has gone. */
int
ovpn_job_result(struct ovpn_job *job)
{
    int error = job->crp.crp_etype;

    if (error == EAGAIN)
        try_again(job);
    crypto_destroyreq(&job->crp);
    return error;
}
