/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The peers of one device and every way to find them: by peer id (sparse, 24 bits), by inner
 * address, by transport address. Lookups are for any thread inside a read
 * section and take no lock; a peer they return stays valid until the section ends.
 */
#ifndef DCO_PEERS_H
#define DCO_PEERS_H

#include "peer.h"
#include "route.h"
#include "siphash.h"

/* Values of the netlink ABIs. */
enum dco_mode {
    DCO_MODE_P2P = 0, /* one peer, which gets every packet */
    DCO_MODE_MP = 1,  /* many peers, chosen by inner address */
};

struct dco_peers;

/* Bytes of memory for a set, for dco_peers_init(). */
size_t dco_peers_size(void);
/* secret: 16 random bytes. Cannot fail: tables allocate when they are first filled. */
void dco_peers_init(struct dco_peers *p, const struct dco_env *env, enum dco_mode mode,
                    const struct dco_siphash_key *secret);
/* Removes every peer with reason TEARDOWN, forgets waiting events, frees the tables. No reader and
 * no other writer may be left. Peers and keys with further references, and deferred objects, may
 * outlive p but not env. */
void dco_peers_fini(struct dco_peers *p);

enum dco_mode dco_peers_mode(const struct dco_peers *p);
/* The number of peers at this moment. Any thread, no lock. */
uint32_t dco_peers_count(const struct dco_peers *p);

struct dco_peer *dco_peers_by_id(const struct dco_peers *p, uint32_t id);

/* The peer with the lowest id >= from, or NULL. A walk through all peers may miss one that is made
 * meanwhile. */
struct dco_peer *dco_peers_next(const struct dco_peers *p, uint32_t from);

/* The peer that an inner packet for dst goes to, or NULL. P2P: the only peer. MP: the peer whose
 * VPN address dst is; else that of the iroute with the longest prefix; else that of the route with
 * the longest prefix. Iroutes and routes whose gateway is no peer's VPN address are passed over. */
struct dco_peer *dco_peers_by_dest(const struct dco_peers *p, const struct dco_ip *dst);

/* The same for a packet from another peer: without the routes. MP only. */
struct dco_peer *dco_peers_by_iroute(const struct dco_peers *p, const struct dco_ip *dst);

/* Whether ip is a peer's VPN address. Any thread; takes the control lock. */
bool dco_peers_own(struct dco_peers *p, const struct dco_ip *ip);

/* For control packets, and data packets without a peer id (DCO_PEER_ID_UNDEF). remote need not be
 * canonical. If several peers have one address, it finds the one that was created there last. A
 * peer that moved to an address in use is found there when the others have left: nobody can take
 * the control packets of another peer by sending from its address. */
struct dco_peer *dco_peers_by_remote(const struct dco_peers *p, const struct dco_endpoint *remote);

/* May this peer send from src? P2P: yes. MP: only if packets to src would go to this peer. */
bool dco_peers_source_ok(const struct dco_peers *p, const struct dco_peer *peer,
                         const struct dco_ip *src);

/* Publish new iroutes, those that the control plane gave to peers, and new routes, those of the
 * host. The set now belongs to p; the end of the old one is deferred. One writer at a time. */
void dco_peers_set_iroutes(struct dco_peers *p, struct dco_routes *iroutes);
void dco_peers_set_routes(struct dco_peers *p, struct dco_routes *routes);

/* An authenticated packet of peer came along path. If its remote or local address differs from the
 * stored one, stores it and rehashes, and raises DCO_EVENT_FLOAT if the remote changed. At most one
 * change per peer and 10 ms. Takes the control lock only if something differs. Returns true if the
 * remote changed. A local address of family 0 is unknown and keeps the stored one. Peers without a
 * remote (TCP) stay as they are. If memory runs out, the next packet tries again. */
bool dco_peers_seen_from(struct dco_peers *p, struct dco_peer *peer, const struct dco_path *path,
                         uint64_t now_ns);

/* Raises DCO_EVENT_KEY_WANTED, unless the primary key was replaced after its request. */
void dco_peers_want_key(struct dco_peers *p, struct dco_peer *peer);

/* Fills out[] with at most max peers for which pick() is true, newest first, with a reference on
 * each (dco_peer_put()). pick() runs with the control lock held and must not call what takes it. */
unsigned dco_peers_select(struct dco_peers *p, bool (*pick)(struct dco_peer *peer, void *arg),
                          void *arg, struct dco_peer **out, unsigned max);

/* For pick(): when the peer last changed its path, 0 for never. Control lock. */
uint64_t dco_peers_moved_ns(const struct dco_peer *peer);

#endif
