/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of a set of peers. For core/ and its tests only.
 */
#ifndef DCO_PEERS_PRIVATE_H
#define DCO_PEERS_PRIVATE_H

#include "idmap.h"
#include "peer_private.h"
#include "peers.h"
#include "table.h"

#define DCO_FINGERPRINTS 4096U /* keys remembered so that none is installed twice; power of two */

struct dco_peers {
    const struct dco_env *env;     /* const */
    enum dco_mode mode;            /* const */
    struct dco_siphash_key secret; /* const */

    struct dco_lock lock; /* the control lock */
    struct dco_idmap by_id;
    struct dco_table by_vpn;    /* keys: struct dco_ip */
    struct dco_table by_remote; /* keys: struct dco_endpoint, canonical */
    struct dco_peer *only;      /* atomic; P2P: the peer */
    struct dco_routes *iroutes; /* atomic */
    struct dco_routes *routes;  /* atomic */

    struct dco_peer *all;                      /* control lock: newest first */
    uint32_t count;                            /* control lock; atomic for others */
    struct dco_peer *event_head, **event_tail; /* control lock */
    uint64_t fingerprints[DCO_FINGERPRINTS];   /* control lock; a ring */
    uint32_t fingerprint_next;                 /* control lock */
    uint64_t key_serial;                       /* control lock; of the newest key */
    uint64_t tick_ns;                          /* control lock; no timer is due before */
};

static inline uint64_t
dco_peers_hash_ip(const struct dco_peers *p, const struct dco_ip *ip)
{
    return dco_ip_hash(ip, p->secret.k[0]);
}

static inline uint64_t
dco_peers_hash_remote(const struct dco_peers *p, const struct dco_endpoint *remote)
{
    return dco_siphash(&p->secret, remote, sizeof(*remote));
}

/* Control lock. Makes the peer visible, or fails as dco_control_peer_new() says and changes
 * nothing. */
int dco_peers_admit(struct dco_peers *p, struct dco_peer *peer, bool share_vpn);
/* Control lock. Takes the peer out of sight and queues the event; gives up the tables' reference.
 */
void dco_peers_remove(struct dco_peers *p, struct dco_peer *peer, enum dco_del_reason reason);

#endif
