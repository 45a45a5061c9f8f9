/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP and IP headers around a finished data packet, and away. Outer datagrams may be fragmented: a
 * VPN that loses large packets in silence is worse than a slow one.
 */
#ifndef OVPN_ENCAP_H
#define OVPN_ENCAP_H

#include "ovpn_softc.h"

#include <sys/mbuf.h>

/* Takes m. 0, or an errno when the packet was dropped, which is counted then. In the network
 * epoch. */
int ovpn_encap(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m);

#endif
