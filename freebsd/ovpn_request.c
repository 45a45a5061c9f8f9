/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_request.h"

#include "ovpn_cipher.h"
#include "ovpn_sysctl.h"

static void
fill(struct ovpn_request *req, struct dco_key *key, bool tx, crypto_session_t session,
     const struct ovpn_sealed *packet)
{
    const uint8_t *tail = tx ? dco_key_tx_tail(key) : dco_key_rx_tail(key);
    struct cryptop *crp = &req->crp;

    req->session = session;
    crypto_initreq(crp, session);
    crypto_use_mbuf(crp, packet->m);
    crp->crp_op = tx ? CRYPTO_OP_ENCRYPT | CRYPTO_OP_COMPUTE_DIGEST
                     : CRYPTO_OP_DECRYPT | CRYPTO_OP_VERIFY_DIGEST;
    crp->crp_aad = __DECONST(uint8_t *, packet->hdr);
    crp->crp_aad_length = DCO_AAD_LEN;
    dco_wire_nonce(crp->crp_iv, packet->hdr, tail);
    crp->crp_digest_start = packet->offset + (int)DCO_HDR_LEN;
    crp->crp_payload_start = packet->offset + (int)DCO_OVERHEAD;
    crp->crp_payload_length = packet->m->m_pkthdr.len - crp->crp_payload_start;
    crp->crp_flags = CRYPTO_F_IV_SEPARATE;
}

void
ovpn_request_init(struct ovpn_request *req, struct dco_key *key, bool tx,
                  const struct ovpn_sealed *packet)
{
    fill(req, key, tx, ovpn_cipher_session(dco_key_crypto(key), tx), packet);
    req->crp.crp_flags |= CRYPTO_F_CBIFSYNC;
}

/* A key that has lost a session, of either direction, must be replaced. */
static void
change_session(struct ovpn_request *req, struct dco_peer *peer, struct dco_key *key)
{
    bool tx = CRYPTO_OP_IS_ENCRYPT(req->crp.crp_op);

    if (ovpn_cipher_change_session(dco_key_crypto(key), tx, req->session, req->crp.crp_session) &&
        peer != NULL && dco_key_lost(key))
        dco_peers_want_key(dco_peer_set(peer), peer);
}

/* The packet is lost if its driver is busy or has gone. */
int
ovpn_request_result(struct ovpn_request *req, struct dco_peer *peer, struct dco_key *key)
{
    int error = req->crp.crp_etype;

    NET_EPOCH_ASSERT();
    if (error == EAGAIN)
        change_session(req, peer, key);
    crypto_destroyreq(&req->crp);
    return error;
}

/* The nonce contains a secret part, which lives as long as the key. */
void
ovpn_request_fini(struct ovpn_request *req)
{
    dco_wipe(req->crp.crp_iv, sizeof(req->crp.crp_iv));
}

static int
completed(struct cryptop *crp __unused)
{
    return 0;
}

/* CBIMM and not CBIFSYNC: if the driver leaves, the framework completes the request with a session
 * of another driver, which need not be synchronous. */
int
ovpn_crypt(struct dco_peer *peer, struct dco_key *key, bool tx, const struct ovpn_sealed *packet)
{
    crypto_session_t session = ovpn_cipher_session(dco_key_crypto(key), tx);
    struct ovpn_request req;
    int error;

    NET_EPOCH_ASSERT();
    if (session == NULL)
        return ENXIO;
    if (V_ovpn_async_crypto || !CRYPTO_SESS_SYNC(session))
        return EINPROGRESS;
    fill(&req, key, tx, session, packet);
    req.crp.crp_flags |= CRYPTO_F_CBIMM;
    req.crp.crp_callback = completed;
    (void)crypto_dispatch(&req.crp);
    error = ovpn_request_result(&req, peer, key);
    ovpn_request_fini(&req);
    return error;
}
