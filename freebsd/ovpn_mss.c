/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_mss.h"

#include <net/route.h>
#include <net/route/nhop.h>

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include "../core/mss.h"
#include "ovpn_route.h"
#include "ovpn_sysctl.h"

#define HEADERS_MAX 120 /* bytes; IP and TCP with every option */

#define IP4_OUTER (sizeof(struct ip) + sizeof(struct udphdr) + DCO_OVERHEAD)
#define IP6_OUTER (DCO_IP6_HDR + sizeof(struct udphdr) + DCO_OVERHEAD)

/* Bytes of the largest inner packet that reaches the peer in one piece, or 0: unknown. */
static uint16_t
room_towards(struct ovpn_softc *sc, struct dco_peer *peer)
{
    const struct nhop_object *nh;
    struct dco_path path;
    size_t outer;

    dco_peer_path(peer, &path);
    outer = path.remote.ip.family == 4 ? IP4_OUTER : IP6_OUTER;
    nh = ovpn_route_to(sc, &path.remote);
    if (nh == NULL || nh->nh_mtu <= outer)
        return 0;
    return (uint16_t)(nh->nh_mtu - outer);
}

static bool
is_syn(const struct mbuf *m, const struct dco_inner *inner)
{
    uint8_t flags;

    if (inner->protocol != DCO_PROTO_TCP || inner->l4 == 0 ||
        inner->total < inner->l4 + sizeof(struct tcphdr))
        return false;
    m_copydata(m, inner->l4 + (int)DCO_TCP_FLAGS, sizeof(flags), (caddr_t)&flags);
    return (flags & TH_SYN) != 0;
}

struct mbuf *
ovpn_mss_clamp(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m,
               const struct dco_inner *inner)
{
    int setting = V_ovpn_mssfix;
    uint16_t room;

    if (setting == 0 || !is_syn(m, inner))
        return m;
    room = setting > 0 ? (uint16_t)MIN(setting, UINT16_MAX) : room_towards(sc, peer);
    m = m_pullup(m, MIN(m->m_pkthdr.len, HEADERS_MAX));
    if (m != NULL && room != 0)
        (void)dco_mss_clamp(mtod(m, uint8_t *), (size_t)m->m_pkthdr.len, inner, room);
    return m;
}
