/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The peers of one device and every way to find them: by peer id (sparse, 24 bits), by inner
 * address through the routes, by transport address. Lookups are for any thread inside a read
 * section and take no lock; a peer they return stays valid until the section ends.
 */
#ifndef DCO_PEERS_H
#define DCO_PEERS_H

#include "idmap.h"
#include "peer.h"
#include "route.h"
#include "siphash.h"
#include "table.h"

/* Values of the netlink ABIs. */
enum dco_mode {
    DCO_MODE_P2P = 0, /* one peer, which gets every packet */
    DCO_MODE_MP = 1,  /* many peers, chosen by inner address */
};

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
    struct dco_routes *routes;  /* atomic */

    struct dco_peer *all;                      /* control lock: newest first */
    uint32_t count;                            /* control lock; atomic for others */
    struct dco_peer *event_head, **event_tail; /* control lock */
    uint64_t fingerprints[DCO_FINGERPRINTS];   /* control lock; a ring */
    uint32_t fingerprint_next;                 /* control lock */
    uint64_t key_serial;                       /* control lock; of the newest key */
    uint64_t tick_ns;                          /* control lock; no timer is due before */
};

/* secret: 16 random bytes. Cannot fail: tables allocate when they are first filled. */
void dco_peers_init(struct dco_peers *p, const struct dco_env *env, enum dco_mode mode,
                    const struct dco_siphash_key *secret);
/* Removes every peer with reason TEARDOWN, forgets waiting events, frees the tables. No reader and
 * no other writer may be left. Peers and keys that somebody holds a reference on, and everything
 * deferred, may outlive p but not env. */
void dco_peers_fini(struct dco_peers *p);

struct dco_peer *dco_peers_by_id(const struct dco_peers *p, uint32_t id);

/* The peer that an inner packet for dst goes to, or NULL. P2P: the only peer. */
struct dco_peer *dco_peers_by_dest(const struct dco_peers *p, const struct dco_ip *dst);

/* The same by a set of routes of the caller's. NULL: no routes, dst is a peer's own or nobody's. */
struct dco_peer *dco_peers_by_route(const struct dco_peers *p, const struct dco_routes *routes,
                                    const struct dco_ip *dst);

/* For packets without a peer id (DCO_PEER_ID_UNDEF), and control packets. remote: any form. Where
 * several peers have one address it is found for the one that was created there last; a peer that
 * moved to an address in use gets it when the others have left, so that nobody can take away the
 * control packets of another by sending from its address. */
struct dco_peer *dco_peers_by_remote(const struct dco_peers *p, const struct dco_endpoint *remote);

/* May this peer send from src? P2P: yes. MP: only if packets to src would go to this peer. */
bool dco_peers_source_ok(const struct dco_peers *p, const struct dco_peer *peer,
                         const struct dco_ip *src);

/* Publishes new routes (the set now belongs to p) and defers the end of the old ones. */
void dco_peers_set_routes(struct dco_peers *p, struct dco_routes *routes);

/* An authenticated packet of peer came along path: if its remote or local address differs from
 * what is stored, store it, rehash, and raise DCO_EVENT_FLOAT when the remote changed. At most one
 * change per peer and 10 ms. Takes the control lock only when something differs. Returns true if
 * the remote changed. A local address of family 0 means "not known" and keeps the stored one. Peers
 * without a remote (TCP) stay as they are. Where memory runs out the next packet tries again. */
bool dco_peers_seen_from(struct dco_peers *p, struct dco_peer *peer, const struct dco_path *path,
                         uint64_t now_ns);

/* Raises DCO_EVENT_KEY_WANTED, unless the primary key has been replaced since it asked. */
void dco_peers_want_key(struct dco_peers *p, struct dco_peer *peer);

/* Timers run this much late at most: however many peers there are, and however often it is called,
 * dco_peers_tick() looks at all of them once per grain. */
#define DCO_TIMER_GRAIN_NS 100000000ULL

/* Timers. Removes every peer whose timeout has passed (EXPIRED) and fills due[] with at most max
 * peers that owe a keepalive, a reference on each (dco_peer_put() when sent). The caller calls
 * again at once while the return value is max; their last_tx_ns is advanced so that they are not
 * returned twice. *next_ns: when to call again at the latest, UINT64_MAX for never; a command that
 * sets timers or installs a key may ask for an earlier call. now_ns: never runs backwards. */
unsigned dco_peers_tick(struct dco_peers *p, uint64_t now_ns, struct dco_peer **due, unsigned max,
                        uint64_t *next_ns);

#endif
