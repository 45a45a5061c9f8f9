/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_job.h"

#include <sys/kernel.h>
#include <sys/smp.h>

#include <vm/uma.h>

#include "ovpn_cipher.h"
#include "ovpn_sysctl.h"

static uma_zone_t job_zone; /* const while the module is loaded */

int
ovpn_jobs_load(void)
{
    job_zone = uma_zcreate("if_ovpn jobs", sizeof(struct ovpn_job), NULL, NULL, NULL, NULL,
                           UMA_ALIGN_CACHE, 0);
    return job_zone != NULL ? 0 : ENOMEM;
}

/* A callback may still run its last instructions, those after its network epoch, in a thread of the
 * framework. Such a thread has a higher priority than this one, so when this thread has run on
 * every CPU, the callbacks have returned. */
void
ovpn_jobs_unload(void)
{
    pause("ovpnul", MAX(1, hz / 10));
    (void)quiesce_all_cpus("ovpnul", PDROP);
    uma_zdestroy(job_zone);
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
prepare(struct ovpn_job *job, bool tx, int offset, const uint8_t *nonce_tail)
{
    struct cryptop *crp = &job->crp;

    job->session = ovpn_cipher_session(dco_key_crypto(job->key), tx);
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
    prepare(job, true, offset, dco_key_tx_tail(job->key));
    job->crp.crp_op = CRYPTO_OP_ENCRYPT | CRYPTO_OP_COMPUTE_DIGEST;
    dispatch(job, done);
}

void
ovpn_job_open(struct ovpn_job *job, int offset, int (*done)(struct cryptop *))
{
    prepare(job, false, offset, dco_key_rx_tail(job->key));
    job->crp.crp_op = CRYPTO_OP_DECRYPT | CRYPTO_OP_VERIFY_DIGEST;
    dispatch(job, done);
}

/* A key that has lost a session, of either direction, must be replaced. */
static void
try_again(struct ovpn_job *job)
{
    bool tx = CRYPTO_OP_IS_ENCRYPT(job->crp.crp_op);

    if (!ovpn_cipher_change_session(dco_key_crypto(job->key), tx, job->session,
                                    job->crp.crp_session) ||
        ovpn_job_is_late(job))
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
