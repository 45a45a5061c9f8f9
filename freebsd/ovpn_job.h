/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet with a crypto driver that does not work synchronously.
 *
 * A job holds references to its peer and its key, so both exist until the job is freed, even if
 * they are removed while a driver works on the packet. A job completes in any thread, perhaps
 * before the call that began it returns.
 */
#ifndef OVPN_JOB_H
#define OVPN_JOB_H

#include "ovpn_request.h"
#include "ovpn_softc.h"

struct ovpn_job {
    struct ovpn_request req; /* crp_opaque points back here */
    struct ovpn_softc *sc;
    uint32_t era;          /* of sc, when the job was made */
    struct dco_peer *peer; /* one reference */
    struct dco_key *key;   /* one reference */
    struct mbuf *m;
    uint8_t hdr[DCO_HDR_LEN]; /* of the packet */
    struct dco_path path;     /* RX: where the packet came from */
    uint32_t packet_id;       /* RX */
    uint32_t outer_len;       /* RX: bytes before the payload */
    uint32_t counted;         /* TX: bytes for the statistics */
};

/* For the packet in m, whose header is at hdr; takes neither. NULL: no memory, or peer or key are
 * being removed. In the network epoch. */
struct ovpn_job *ovpn_job_new(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key,
                              struct mbuf *m, const uint8_t *hdr);
void ovpn_job_free(struct ovpn_job *job);

/* Seals (tx) or opens the data packet that job->m holds from offset on. done() gets the job through
 * crp_opaque, and is called exactly once, perhaps before the call returns. */
void ovpn_job_run(struct ovpn_job *job, bool tx, int offset, int (*done)(struct cryptop *));

/* True if the interface has left its network or ended since the job was made. Then the packet must
 * not be sent or received. In the network epoch. */
static inline bool
ovpn_job_is_late(const struct ovpn_job *job)
{
    NET_EPOCH_ASSERT();
    return job->era != dco_load(&job->sc->era);
}

/* The errno with which the driver completed; to be called once, by done(). */
int ovpn_job_result(struct ovpn_job *job);

int ovpn_jobs_load(void);
/* Sleeps until no thread of the framework is inside the module. There must be no job any more. */
void ovpn_jobs_unload(void);

#endif
