/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * May a client send from this inner address? Its own VPN address is found in the table of peers.
 * Any other one must be routed to it twice: by our copy of the routes through the device, which
 * says to which client, and by the kernel, which knows what the copy does not hold: that the
 * address is the server's own, or that a route through another device is more specific. Without the
 * second, `iroute 0.0.0.0 0.0.0.0` would let a client speak for the server and for its LAN.
 *
 * The kernel is asked about the address alone, so rules that look at more (the other address, the
 * device, a mark) choose no table. A client that is the way out for some of the server's hosts is
 * routed by such rules: where the kernel has nothing better to say than the default route of
 * another device, a route to the client in another table than the main one is enough.
 *
 * The kernel's word is remembered per worker until routes change. A client may change its source
 * with every packet, so questions are limited for each peer: beyond that an old answer counts, and
 * where there is none the packet is refused.
 */
#ifndef DCO_PLANE_SOURCE_H
#define DCO_PLANE_SOURCE_H

#include "linux/plane/fib.h"
#include "linux/plane/dev_private.h"

struct source_answer;

/* One per worker. */
struct source_check {
    struct fib *fib;             /* the worker's */
    uint64_t seed;               /* const; nobody can choose which entries meet */
    struct source_answer *cache; /* sets of a few */
    unsigned turn;               /* which one of a full set goes next */
};

int source_check_init(struct source_check *check, struct fib *fib); /* -ENOMEM, -EIO */
void source_check_fini(struct source_check *check);

/* Inside a read section. P2P: yes. */
bool source_ok(struct source_check *check, const struct plane_dev *dev, struct dco_peer *peer,
               const struct dco_ip *src);

#endif
