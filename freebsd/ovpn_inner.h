/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inner packets in mbuf chains.
 */
#ifndef OVPN_INNER_H
#define OVPN_INNER_H

#include "ovpn_softc.h"

#include <sys/mbuf.h>

#include "../core/inner.h"

/* Makes the IP header contiguous and reads it; version 0: not a well-formed IP packet. NULL: no
 * memory, m is gone. */
struct mbuf *ovpn_inner_parse(struct mbuf *m, struct dco_inner *inner);
/* Shows the packet to bpf(4). */
void ovpn_inner_tap(struct ifnet *ifp, struct mbuf *m, const struct dco_inner *inner);

#endif
