/* SPDX-License-Identifier: BSD-2-Clause */
#include "opt_inet.h"
#include "opt_inet6.h"

#include "ovpn_route.h"

#include <net/route.h>
#include <net/route/nhop.h>

#include <netinet/in.h>
#include <netinet/in_fib.h>

#include <netinet6/in6_fib.h>

#include "ovpn_clock.h"

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

const struct nhop_object *
ovpn_route_to(struct ovpn_softc *sc, const struct dco_endpoint *remote)
{
    return lookup(dco_load(&sc->fib), &remote->ip, remote->scope_id);
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
    const struct nhop_object *nh = ovpn_route_to(sc, remote);

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
