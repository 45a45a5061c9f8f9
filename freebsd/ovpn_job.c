/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_job.h"

#include <sys/kernel.h>
#include <sys/smp.h>

#include <vm/uma.h>

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
ovpn_job_new(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key, struct mbuf *m,
             const uint8_t *hdr)
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
    job->m = m;
    memcpy(job->hdr, hdr, sizeof(job->hdr));
    return job;
peer_gone:
    dco_key_put(key);
gone:
    uma_zfree(job_zone, job);
    return NULL;
}

/* A job has no copy of the key. */
void
ovpn_job_free(struct ovpn_job *job)
{
    ovpn_request_fini(&job->req);
    dco_key_put(job->key);
    dco_peer_put(job->peer);
    uma_zfree(job_zone, job);
}

/* Drivers report errors through the callback alone. */
void
ovpn_job_run(struct ovpn_job *job, bool tx, int offset, int (*done)(struct cryptop *))
{
    const struct ovpn_sealed packet = {job->m, offset, job->hdr};
    struct cryptop *crp = &job->req.crp;

    ovpn_request_init(&job->req, job->key, tx, &packet);
    crp->crp_opaque = job;
    crp->crp_callback = done;
    if (job->req.session == NULL) {
        crp->crp_etype = ENXIO;
        (void)done(crp);
        return;
    }
    if (V_ovpn_async_crypto)
        (void)crypto_dispatch_async(crp, CRYPTO_ASYNC_ORDERED);
    else
        (void)crypto_dispatch(crp);
}

/* Nobody is told of a lost key if the interface has left the peer behind. */
int
ovpn_job_result(struct ovpn_job *job)
{
    return ovpn_request_result(&job->req, ovpn_job_is_late(job) ? NULL : job->peer, job->key);
}
