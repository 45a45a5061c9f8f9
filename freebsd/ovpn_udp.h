/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The outer UDP header, and what fits behind it.
 */
#ifndef OVPN_UDP_H
#define OVPN_UDP_H

#include "ovpn_softc.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#define OVPN_UDP_LEN ((int)sizeof(struct udphdr))

/* The largest MTU and the largest inner packet, in bytes: with UDP and IP headers it is the largest
 * datagram of IPv4, which is the smaller of the two families. */
#define OVPN_INNER_MAX (IP_MAXPACKET - (int)sizeof(struct ip) - OVPN_UDP_LEN - (int)DCO_OVERHEAD)

/* Without a checksum. payload: bytes behind the header. */
static inline void
ovpn_udp_fill(struct udphdr *udp, struct ovpn_softc *sc, const struct dco_path *path, int payload)
{
    udp->uh_sport = (uint16_t)dco_load(&sc->port);
    udp->uh_dport = path->remote.port;
    udp->uh_ulen = htons((uint16_t)(OVPN_UDP_LEN + payload));
    udp->uh_sum = 0;
}

#endif
