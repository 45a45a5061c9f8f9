/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which peer an address belongs to: first the VPN addresses, by the core's table, then the gateway
 * of the route to it. The kernel's routing table is the one place where routes live here, so the
 * core is given none.
 */
#include "opt_inet.h"
#include "opt_inet6.h"

#include "ovpn_var.h"

#include "../core/mss.h"

#include <netinet/in.h>
#include <netinet/in_fib.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include <netinet6/in6_fib.h>

#include <net/route.h>
#include <net/route/nhop.h>

#define FIXED_HEADERS 40  /* bytes; IPv6, or IPv4 and more */
#define HEADERS_MAX   120 /* bytes; IP and TCP with every option */

#define IP4_OUTER (sizeof(struct ip) + sizeof(struct udphdr) + DCO_OVERHEAD)
#define IP6_OUTER (DCO_IP6_HDR + sizeof(struct udphdr) + DCO_OVERHEAD)

static const struct nhop_object *
lookup(uint32_t fib, const struct dco_ip *ip, uint32_t scope)
{
#ifdef INET
    struct in_addr in;

    if (ip->family == 4) {
        memcpy(&in, ip->addr, sizeof(in));
        return fib4_lookup(fib, in, 0, NHR_NONE, 0);
    }
#endif
#ifdef INET6
    struct in6_addr in6;

    if (ip->family == 6) {
        memcpy(&in6, ip->addr, sizeof(in6));
        return fib6_lookup(fib, &in6, scope, NHR_NONE, 0);
    }
#endif
    return NULL;
}

static bool
gateway_of(const struct nhop_object *nh, struct dco_ip *gateway)
{
    if (!(nh->nh_flags & NHF_GATEWAY))
        return false;
    switch (nh->gw_sa.sa_family) {
    case AF_INET:
        *gateway = dco_ip4((const uint8_t *)&nh->gw4_sa.sin_addr);
        return true;
    case AF_INET6:
        *gateway = dco_ip6((const uint8_t *)&nh->gw6_sa.sin6_addr);
        return true;
    default:
        return false;
    }
}

struct dco_peer *
ovpn_route_peer(const struct dco_peers *set, const struct dco_ip *dst, uint32_t fib,
                const struct ifnet *via)
{
    const struct nhop_object *nh;
    struct dco_peer *peer;
    struct dco_ip gateway;

    NET_EPOCH_ASSERT();
    peer = dco_peers_by_dest(set, dst);
    if (peer != NULL || set->mode == DCO_MODE_P2P)
        return peer;
    nh = lookup(fib, dst, 0);
    if (nh == NULL || (via != NULL && nh->nh_ifp != via) || !gateway_of(nh, &gateway))
        return NULL;
    return dco_peers_by_dest(set, &gateway);
}

bool
ovpn_route_is_local(const struct dco_ip *ip, uint32_t scope_id)
{
#ifdef INET
    struct in_addr in;

    if (ip->family == 4) {
        memcpy(&in, ip->addr, sizeof(in));
        return in_localip(in);
    }
#endif
#ifdef INET6
    struct in6_addr in6;

    if (ip->family == 6) {
        memcpy(&in6, ip->addr, sizeof(in6));
        if (IN6_IS_ADDR_LINKLOCAL(&in6))
            in6.s6_addr16[1] = htons((uint16_t)scope_id);
        return in6_localip(&in6) != 0;
    }
#endif
    return false;
}

/* Datagrams to there would come back into the tunnel, each larger than the one inside it. */
static bool
leads_into_tunnel(struct ovpn_softc *sc, const struct dco_endpoint *remote)
{
    const struct nhop_object *nh = lookup(dco_load(&sc->fib), &remote->ip, remote->scope_id);

    return nh != NULL && nh->nh_ifp == sc->ifp;
}

bool
ovpn_route_vet(struct ovpn_softc *sc, const struct dco_path *stored, struct dco_path *seen)
{
    if (!dco_ip_equal(&stored->remote.ip, &seen->remote.ip) &&
        leads_into_tunnel(sc, &seen->remote)) {
        if (ovpn_may_say(&sc->float_said_ns))
            if_printf(sc->ifp,
                      "a peer sent from an address to which the route leads through this very "
                      "interface; it is still answered at its old address. Look at the routes\n");
        return false;
    }
    if (!dco_ip_equal(&stored->local, &seen->local) &&
        !ovpn_route_is_local(&seen->local, seen->remote.scope_id))
        memset(&seen->local, 0, sizeof(seen->local));
    return true;
}

/* Bytes of the largest inner packet that reaches the peer in one piece, or 0: unknown. */
static uint16_t
room_towards(struct ovpn_softc *sc, struct dco_peer *peer)
{
    const struct nhop_object *nh;
    struct dco_path path;
    size_t outer;

    dco_peer_path(peer, &path);
    outer = path.remote.ip.family == 4 ? IP4_OUTER : IP6_OUTER;
    nh = lookup(dco_load(&sc->fib), &path.remote.ip, path.remote.scope_id);
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
    m_copydata(m, inner->l4 + DCO_TCP_FLAGS, sizeof(flags), (caddr_t)&flags);
    return (flags & TH_SYN) != 0;
}

struct mbuf *
ovpn_clamp_mss(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m,
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

/* The parser looks at fixed headers only, so that much is enough to have in one piece. */
struct mbuf *
ovpn_parse_inner(struct mbuf *m, struct dco_inner *inner)
{
    int want = MIN(m->m_pkthdr.len, FIXED_HEADERS);

    if (m->m_len < want) {
        m = m_pullup(m, want);
        if (m == NULL)
            return NULL;
    }
    if (!dco_inner_parse(mtod(m, const uint8_t *), (size_t)m->m_pkthdr.len, inner))
        inner->version = 0;
    return m;
}
