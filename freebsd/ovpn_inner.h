/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inner packets in mbuf chains.
 */
#ifndef OVPN_INNER_H
#define OVPN_INNER_H

#include "ovpn_softc.h"

#include <sys/mbuf.h>
#include <sys/socket.h>

#include <net/bpf.h>

#include "../core/inner.h"

/* Makes the IP header contiguous and reads it; version 0: not a well-formed IP packet. NULL: no
 * memory, m is gone. */
struct mbuf *ovpn_inner_parse(struct mbuf *m, struct dco_inner *inner);
/* Shows the packet to bpf(4). */
static inline void
ovpn_inner_tap(struct ifnet *ifp, struct mbuf *m, const struct dco_inner *inner)
{
    uint32_t af = inner->version == 4 ? AF_INET : AF_INET6;

    BPF_MTAP2(ifp, &af, sizeof(af), m);
}

#endif
