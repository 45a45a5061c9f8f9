/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Housekeeping seals a keepalive on its own thread and sends it in the order of packet ids, which
 * the workers use at the same time.
 */
#include "linux/plane/keepalive.h"

#include <sched.h>
#include <unistd.h>

#include "core/peers.h"
#include "linux/crypto/aead.h"
#include "linux/plane/drops.h"
#include "linux/plane/plane.h"
#include "linux/plane/send.h"
#include "linux/plane/stream_tx.h"

#define TURN_YIELDS 1000U /* before it sleeps: a worker's burst lasts microseconds */
#define SLEEP_US    100U

/* Waits until the workers have sent the ids before this one. They wait for nothing that this thread
 * holds. There is no time limit: an id that is never accounted for would hold back all later ids of
 * the key. */
static void
wait_turn(const struct dco_key *key, uint32_t id)
{
    for (unsigned i = 0; !dco_key_turn(key, id); i++) {
        if (i < TURN_YIELDS)
            sched_yield();
        else
            usleep(SLEEP_US);
    }
}

static bool
seal(struct dco_peer *peer, struct dco_key *key, uint32_t id, uint8_t *pkt)
{
    struct aead_op op = {
        .pkt = pkt,
        .in = dco_keepalive_payload,
        .len = DCO_KEEPALIVE_LEN,
    };

    dco_wire_write_hdr(pkt, dco_key_id(key), dco_peer_tx_id(peer), id);
    aead_seal(dco_key_crypto(key), plane_key_threads() - 1, &op, 1);
    return op.ok;
}

/* DCO_DROP_NONE if the packet was sent, else the drop reason. */
static enum dco_drop
send_sealed(struct dco_peer *peer, const uint8_t *pkt, size_t len)
{
    struct plane_port *port = dco_peer_transport(peer);
    struct dco_path path;
    int err;

    dco_peer_path(peer, &path);
    err = send_single(port, port->fd[0], &path, pkt, len);
    if (err < 0)
        return dco_drop_of_send(-err);
    dco_peer_count(peer, DCO_LINK_TX, 1, len);
    return DCO_DROP_NONE;
}

static enum dco_drop
send_framed(struct dco_peer *peer, struct stream *s, uint8_t *frame, uint32_t len)
{
    int err;

    dco_frame_write_hdr(frame, len);
    err = stream_send(s, frame, DCO_FRAME_HDR + len, false);
    if (err < 0)
        return dco_drop_of_send(-err);
    dco_peer_count(peer, DCO_LINK_TX, 1, len);
    return DCO_DROP_NONE;
}

static enum dco_drop
send_keepalive(struct dco_peer *peer, uint8_t *frame, uint32_t len)
{
    struct stream *s = stream_of_peer(peer);

    return s != NULL ? send_framed(peer, s, frame, len)
                     : send_sealed(peer, frame + DCO_FRAME_HDR, len);
}

/* What waits for a connection keeps the peer alive as well, and an id that is not sent is missing
 * at the other end. */
static enum dco_drop
reserve(struct dco_peer *peer, struct dco_key *key, uint32_t *id, bool *want_new)
{
    const struct stream *s = stream_of_peer(peer);

    if (s != NULL && !stream_takes(s))
        return DCO_DROP_TX_STREAM_FULL;
    return dco_key_reserve(key, 1, dco_key_cost(DCO_KEEPALIVE_LEN), id, want_new);
}

static void
send_one(struct dco_peer *peer, struct dco_key *key)
{
    uint8_t frame[DCO_FRAME_HDR + DCO_OVERHEAD + DCO_KEEPALIVE_LEN];
    enum dco_drop drop;
    bool want_new = false, sealed;
    uint32_t id;

    drop = reserve(peer, key, &id, &want_new);
    if (want_new)
        dco_peers_want_key(dco_peer_set(peer), peer);
    if (drop == DCO_DROP_NONE) {
        sealed = seal(peer, key, id, frame + DCO_FRAME_HDR);
        wait_turn(key, id);
        drop = sealed ? send_keepalive(peer, frame, sizeof(frame) - DCO_FRAME_HDR)
                      : DCO_DROP_TX_CRYPTO;
        dco_key_sent(key, id, 1);
    }
    if (drop != DCO_DROP_NONE)
        drops_count_keepalive(drop);
}

void
keepalive_send(struct dco_peer **peers, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct plane_port *port = dco_peer_transport(peers[i]);
        struct dco_key *key = port->fd[0] < 0 ? NULL : dco_peer_hold_key(peers[i]);

        if (key != NULL) {
            send_one(peers[i], key);
            dco_key_put(key);
        }
        dco_peer_put(peers[i]);
    }
    if (n > 0)
        aead_forget();
}
