/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routes that openvpn asks for, as far as they say to which peer packets go.
 *
 * An iroute is a network behind a client. For a kernel module openvpn enters iroutes into the
 * host's routing table, because the module looks there; then the host's own traffic follows them,
 * too. Here the plane keeps them, and the host's table stays as it is without offload. Of equal
 * iroutes of several clients the newest wins, as in openvpn.
 *
 * openvpn's own routes (`route`, pushed routes) go to the host. Their gateway is no peer: in a
 * server's subnet it is the address that openvpn gives to its first client. So the plane remembers
 * them, and the copy of the host's routes (routes.h) leaves them out.
 *
 * Threads: plane_*() are for openvpn's thread, the other functions for housekeeping. The module's
 * own lock, a leaf, guards both sets. A change ends the wait of housekeeping, which publishes it.
 */
#ifndef DCO_PLANE_IROUTES_H
#define DCO_PLANE_IROUTES_H

#include "core/route.h"
#include "linux/plane/route_msg.h"

struct plane_dev;

/* One route: its key, and the gateway, which is a peer's VPN address. Bits of an IPv6 prefix beyond
 * its length are ignored; an IPv4 prefix with such bits is -EINVAL, as the kernel has it. An iroute
 * that is added twice is there until it is deleted twice. 0, -EINVAL, -ENOMEM or -EIO. */
int plane_iroute_add(struct plane_dev *dev, const struct route_key *key,
                     const struct dco_ip *gateway);
/* False: there is no such iroute. */
bool plane_iroute_del(struct plane_dev *dev, const struct route_key *key,
                      const struct dco_ip *gateway);

/* openvpn asks the kernel for this route. Until the kernel reports its end, it leads to no peer.
 * If memory runs out, it is treated as a route of somebody else. */
void plane_route_asked(const struct route_key *key, const struct dco_ip *gateway);

/* Inside the plane. */

/* As route_store_list(). */
int iroutes_list(uint32_t ifindex, struct dco_route **routes, size_t *n);
/* Whether the iroutes or openvpn's own routes changed since the last call. */
bool iroutes_changed(void);
/* Deletes the iroutes of a device. */
void iroutes_forget(uint32_t ifindex);

bool iroutes_are_own(const struct route_key *key, const struct dco_ip *gateway);
/* The kernel deleted this route. */
void iroutes_own_deleted(const struct route_key *key, const struct dco_ip *gateway);

#endif
