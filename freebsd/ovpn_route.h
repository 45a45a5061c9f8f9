/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which peer an address belongs to: first the VPN addresses, by the core's table, then the gateway
 * of the route to it. On FreeBSD routes live in the kernel's routing table alone, so the core is
 * given none. Everything here runs in the network epoch.
 */
#ifndef OVPN_ROUTE_H
#define OVPN_ROUTE_H

#include "ovpn_softc.h"

struct nhop_object;

/* The peer to which packets for dst go, or NULL. fib: where to look for a gateway. via: only a
 * route through this interface counts (NULL: any). */
struct dco_peer *ovpn_route_peer(const struct dco_peers *set, const struct dco_ip *dst,
                                 uint32_t fib, const struct ifnet *via);
/* The route to a peer's endpoint, in the table of the socket, or NULL. */
const struct nhop_object *ovpn_route_to(struct ovpn_softc *sc, const struct dco_endpoint *remote);
/* Whether a peer at stored may be answered where a packet was seen: not where the route leads
 * through the tunnel itself. Forgets a local address in seen that is none of this host. */
bool ovpn_route_vet(struct ovpn_softc *sc, const struct dco_path *stored, struct dco_path *seen);
/* An address of this host: of IPv6 with its zone, if it is link-local. */
bool ovpn_route_is_local(const struct dco_ip *ip, uint32_t scope_id);

#endif
