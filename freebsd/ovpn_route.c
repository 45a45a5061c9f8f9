/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_route.h"

#include <net/route.h>
#include <net/route/nhop.h>

#include "ovpn_addr.h"
#include "ovpn_clock.h"
#include "ovpn_inet.h"
#include "ovpn_inet6.h"

static const struct nhop_object *
lookup(uint32_t fib, const struct dco_ip *ip, uint32_t scope_id)
{
    switch (ip->family) {
    case 4:
        return ovpn_inet_lookup(fib, ip);
    case 6:
        return ovpn_inet6_lookup(fib, ip, scope_id);
    default:
        return NULL;
    }
}

static bool
gateway_of(const struct nhop_object *nh, struct dco_ip *gateway)
{
    return (nh->nh_flags & NHF_GATEWAY) && ovpn_addr_ip(&nh->gw_sa, gateway);
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
    if (peer != NULL || dco_peers_mode(set) == DCO_MODE_P2P)
        return peer;
    nh = lookup(fib, dst, 0);
    if (nh == NULL || (via != NULL && nh->nh_ifp != via) || !gateway_of(nh, &gateway))
        return NULL;
    return dco_peers_by_dest(set, &gateway);
}

const struct nhop_object *
ovpn_route_to(struct ovpn_softc *sc, const struct dco_endpoint *remote)
{
    NET_EPOCH_ASSERT();
    return lookup(dco_load(&sc->fib), &remote->ip, remote->scope_id);
}

bool
ovpn_route_is_local(const struct dco_ip *ip, uint32_t scope_id)
{
    NET_EPOCH_ASSERT();
    switch (ip->family) {
    case 4:
        return ovpn_inet_is_local(ip);
    case 6:
        return ovpn_inet6_is_local(ip, scope_id);
    default:
        return false;
    }
}

/* Datagrams to such an address would come back into the tunnel, each time larger. */
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
            if_printf(sc->ifp, "a peer now sends from an address whose route leads through this "
                               "interface, so it is still answered at its old address; give the "
                               "new address another route\n");
        return false;
    }
    if (!dco_ip_equal(&stored->local, &seen->local) &&
        !ovpn_route_is_local(&seen->local, seen->remote.scope_id))
        memset(&seen->local, 0, sizeof(seen->local));
    return true;
}
