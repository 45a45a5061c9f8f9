/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to OpenCrypto: seal or open one packet in place.
 *
 * A driver with CRYPTOCAP_F_SYNC, such as aesni(4), ossl(4) or cryptosoft, completes a request
 * before the call that made it returns. ovpn_crypt() serves such a session with a request on the
 * stack: no reference, no allocation, no other thread. Other sessions need a job (ovpn_job.h).
 */
#ifndef OVPN_REQUEST_H
#define OVPN_REQUEST_H

#include "ovpn_softc.h"

#include <sys/mbuf.h>

#include <opencrypto/cryptodev.h>

/* A data packet of wire.h, with its header in place and one byte of payload at least. */
struct ovpn_sealed {
    struct mbuf *m;
    int offset;         /* where it begins in m */
    const uint8_t *hdr; /* its first DCO_HDR_LEN bytes, valid until the request completes */
};

struct ovpn_request {
    struct cryptop crp;
    crypto_session_t session; /* what crp was given; the framework may put another one into crp */
};

/* Seals (tx) or opens the packet. Returns 0 or the errno of the driver, or EINPROGRESS if nothing
 * was done, because the session is not synchronous or net.link.openvpn.async_crypto is set.
 * EBADMSG: the packet is not authentic. ENXIO: the key has lost its session. In the network epoch,
 * which keeps peer and key. */
int ovpn_crypt(struct dco_peer *peer, struct dco_key *key, bool tx,
               const struct ovpn_sealed *packet);

/* For a job: fills all of req but crp_callback and crp_opaque. req->session may be NULL. */
void ovpn_request_init(struct ovpn_request *req, struct dco_key *key, bool tx,
                       const struct ovpn_sealed *packet);
/* The errno with which the request completed; to be called once. The key is changed if it has lost
 * its session. In the network epoch. peer NULL: nobody is told. */
int ovpn_request_result(struct ovpn_request *req, struct dco_peer *peer, struct dco_key *key);
void ovpn_request_fini(struct ovpn_request *req);

#endif
