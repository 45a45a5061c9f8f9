/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MSS of TCP connections through a tunnel is lowered to what fits the route to the peer, as
 * net.link.openvpn.mssfix says.
 */
#ifndef OVPN_MSS_H
#define OVPN_MSS_H

#include "ovpn_softc.h"

#include <sys/mbuf.h>

#include "../core/inner.h"

/* inner: what the packet in m was parsed to; all but a SYN is left alone. In the network epoch.
 * NULL: no memory, m is gone. */
struct mbuf *ovpn_mss_clamp(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m,
                            const struct dco_inner *inner);

#endif
