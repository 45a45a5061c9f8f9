/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The check of inner source addresses: may a client send from this one? A client may use its own
 * VPN address, which the table of peers holds. Any other address must be the client's by an iroute,
 * or by a route whose gateway is the client. And the kernel must not route the address to the host
 * itself or by a route of its own through another device: `iroute 0.0.0.0 0.0.0.0` does not let a
 * client send as the server or as a host of its LAN.
 *
 * No route at all, or the default route of another device, does not speak against the client. A
 * client that is the way out for some hosts is reached by rules on the source or a mark, or over
 * sockets that are bound to the device, and the question names the address alone.
 *
 * Each worker caches the answers until routes change. A client may use another source with each
 * packet, so the number of questions is limited for each peer. Beyond the limit an outdated answer
 * counts, and without one the packet is refused.
 */
#ifndef DCO_PLANE_SOURCE_H
#define DCO_PLANE_SOURCE_H

#include "linux/plane/dev_private.h"
#include "linux/plane/fib.h"

struct source_answer;

/* One for each worker, used by that worker only. */
struct source_check {
    struct fib *fib; /* the worker's */
    uint64_t seed;   /* const; random, so that nobody can choose which entries collide */
    struct source_answer *cache; /* sets of a few entries each; see source.c */
    unsigned turn;               /* which entry of a full set is replaced next */
};

/* 0, -ENOMEM or -EIO; source_check_fini() in any case. fib must outlive check. */
int source_check_init(struct source_check *check, struct fib *fib);
void source_check_fini(struct source_check *check);

/* True: peer may send from src. A P2P device has no such check beyond that of core. Inside a read
 * section. */
bool source_ok(struct source_check *check, const struct plane_dev *dev, struct dco_peer *peer,
               const struct dco_ip *src);

/* True: a packet of the client `from` for dst may go straight to the client `to`, which has dst by
 * dco_peers_by_iroute(). dst must be its VPN address, or an address for which the kernel would say
 * nothing against it as a source of that client (see above). Inside a read section. */
bool dest_ok(struct source_check *check, const struct plane_dev *dev, struct dco_peer *from,
             const struct dco_peer *to, const struct dco_ip *dst);

#endif
