/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the stack to a peer: choose the peer, take a packet id, seal, send. Everything runs in the
 * thread that gave the packet, unless the crypto driver finishes in another. In the network epoch.
 */
#ifndef OVPN_OUTPUT_H
#define OVPN_OUTPUT_H

#include "ovpn_softc.h"

#include <sys/mbuf.h>
#include <sys/socket.h>

struct route;

/* if_transmit and if_output. Take m; 0, or an errno when the packet was dropped. */
int ovpn_transmit(struct ifnet *ifp, struct mbuf *m);
int ovpn_output(struct ifnet *ifp, struct mbuf *m, const struct sockaddr *dst, struct route *ro);
void ovpn_send_keepalive(struct ovpn_softc *sc, struct dco_peer *peer);

#endif
