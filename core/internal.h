/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files around struct dco_peers share among themselves. Not for the platforms.
 */
#ifndef DCO_INTERNAL_H
#define DCO_INTERNAL_H

#include "atomic.h"
#include "control.h"

/* The object of this type in whose member "deferred" d lies. */
#define dco_deferred_in(d, type) ((type *)(void *)((char *)(d)-offsetof(type, deferred)))

/* What dco_deferred_run() calls, by the kind of d. */
void dco_key_end(struct dco_deferred *d);
void dco_peer_end(struct dco_deferred *d);
void dco_table_array_end(struct dco_deferred *d);
void dco_routes_end(struct dco_deferred *d);

/* keys.c. A valid request; the key takes crypto over. NULL: no memory. One reference. */
struct dco_key *dco_key_new(const struct dco_env *env, const struct dco_key_new *req,
                            uint64_t serial, uint64_t now_ns);

/* peer.c. A valid request; the peer takes the transport over. NULL: no memory. One reference. */
struct dco_peer *dco_peer_new(struct dco_peers *p, const struct dco_peer_new *req, uint64_t now_ns);
/* For a peer that nobody else has seen; the transport stays the caller's. */
void dco_peer_abandon(struct dco_peer *peer);
/* Control lock. path: canonical. */
void dco_peer_set_path(struct dco_peer *peer, const struct dco_path *path);
/* Control lock. Puts key (NULL: nothing) into the slot and gives up what was there. */
void dco_peer_set_key(struct dco_peer *peer, enum dco_slot slot, struct dco_key *key);
/* Control lock. */
struct dco_key *dco_peer_slot(const struct dco_peer *peer, enum dco_slot slot);

void dco_peer_stats_read(const struct dco_peer *peer, struct dco_peer_stats *stats);

/* peers.c. Control lock. Makes the peer visible, or fails as dco_control_peer_new() says and
 * changes nothing. */
int dco_peers_admit(struct dco_peers *p, struct dco_peer *peer, bool share_vpn);
/* Control lock. Takes the peer out of sight and queues the event; gives up the tables' reference.
 */
void dco_peers_remove(struct dco_peers *p, struct dco_peer *peer, enum dco_del_reason reason);

/* timers.c. Control lock. After a change to what the timers of peer depend on. */
void dco_timers_changed(struct dco_peers *p, const struct dco_peer *peer);

/* events.c. Control lock. */
void dco_event_raise(struct dco_peers *p, struct dco_peer *peer, uint32_t kind);
void dco_event_forget_all(struct dco_peers *p);

static inline struct dco_path
dco_path_canon(const struct dco_path *path)
{
    struct dco_ip local = dco_ip_unmap(path->local);
    struct dco_path canon = {dco_endpoint_canon(&path->remote), dco_ip_canon(&local)};

    return canon;
}

#endif
