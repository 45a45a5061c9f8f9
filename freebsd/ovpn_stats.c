/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting, all of it in counter(9): per interface here, per peer through the core. Each dropped
 * packet is counted under its reason, and the sums that the ABI and netstat(1) know are made from
 * those.
 */
#include "ovpn_var.h"

#include <sys/sbuf.h>
#include <sys/sysctl.h>

#include <net/if_types.h>

SDT_PROVIDER_DEFINE(if_ovpn);
SDT_PROBE_DEFINE3(if_ovpn, , , drop, "const char *", "struct ovpn_softc *", "struct mbuf *");

static const char *const names[] = {
#define OVPN_NAME(symbol, name, text) [OVPN_DROP_##symbol - DCO_DROP_COUNT] = name,
    OVPN_DROP_LIST(OVPN_NAME)
#undef OVPN_NAME
};

const char *
ovpn_drop_name(unsigned reason)
{
    return reason < DCO_DROP_COUNT ? dco_drop_name((enum dco_drop)reason)
                                   : names[reason - DCO_DROP_COUNT];
}

bool
ovpn_drop_is_rx(unsigned reason)
{
    return ovpn_drop_name(reason)[0] == 'r';
}

unsigned
ovpn_drop(struct ovpn_softc *sc, struct mbuf *m, unsigned reason)
{
    struct ifnet *ifp = dco_load(&sc->ifp);

    SDT_PROBE3(if_ovpn, , , drop, ovpn_drop_name(reason), sc, m);
    counter_u64_add(sc->drops[reason], 1);
    if (ifp != NULL)
        if_inc_counter(ifp, ovpn_drop_is_rx(reason) ? IFCOUNTER_IERRORS : IFCOUNTER_OERRORS, 1);
    m_freem(m);
    return reason;
}

int
ovpn_stats_init(struct ovpn_softc *sc)
{
    COUNTER_ARRAY_ALLOC(sc->counters, OVPN_COUNTERS, M_WAITOK);
    COUNTER_ARRAY_ALLOC(sc->drops, OVPN_DROP_COUNT, M_WAITOK);
    return 0;
}

void
ovpn_stats_fini(struct ovpn_softc *sc)
{
    COUNTER_ARRAY_FREE(sc->counters, OVPN_COUNTERS);
    COUNTER_ARRAY_FREE(sc->drops, OVPN_DROP_COUNT);
}

static uint64_t
total(struct ovpn_softc *sc, enum ovpn_counter which)
{
    return counter_u64_fetch(sc->counters[which]);
}

static uint64_t
lost(struct ovpn_softc *sc, bool rx)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < OVPN_DROP_COUNT; i++) {
        if (ovpn_drop_is_rx(i) == rx)
            sum += counter_u64_fetch(sc->drops[i]);
    }
    return sum;
}

/* openvpn sends its control packets itself, unseen by the driver. */
int
ovpn_cmd_get_stats(struct ovpn_softc *sc, nvlist_t *reply)
{
    uint64_t nomem_in = counter_u64_fetch(sc->drops[OVPN_DROP_RX_NO_BUFFER]);
    uint64_t nomem_out = counter_u64_fetch(sc->drops[DCO_DROP_TX_NO_BUFFER]);
    const struct {
        const char *name;
        uint64_t in, out;
    } pairs[] = {
        {"lost_ctrl", 0, 0},
        {"lost_data", lost(sc, true) - nomem_in, lost(sc, false) - nomem_out},
        {"nomem_data", nomem_in, nomem_out},
        {"data", total(sc, OVPN_DATA_IN), total(sc, OVPN_DATA_OUT)},
        {"ctrl", total(sc, OVPN_CTRL_IN), 0},
        {"tunnel", total(sc, OVPN_TUNNEL_IN), total(sc, OVPN_TUNNEL_OUT)},
        {"transport", total(sc, OVPN_TRANSPORT_IN), total(sc, OVPN_TRANSPORT_OUT)},
    };

    for (unsigned i = 0; i < nitems(pairs); i++) {
        int error = ovpn_nv_add_pair(reply, pairs[i].name, pairs[i].in, pairs[i].out);

        if (error != 0)
            return error;
    }
    return 0;
}

static int
describe_peer(const struct dco_peer_info *info, nvlist_t **out)
{
    const struct dco_peer_stats *stats = &info->stats;
    nvlist_t *nvl = nvlist_create(0);
    int error;

    if (nvl == NULL)
        return ENOMEM;
    nvlist_add_number(nvl, "peerid", info->id);
    error = ovpn_nv_add_pair(nvl, "packets", stats->vpn_rx_packets, stats->vpn_tx_packets);
    if (error == 0)
        error = ovpn_nv_add_pair(nvl, "bytes", stats->vpn_rx_bytes, stats->vpn_tx_bytes);
    if (error != 0) {
        nvlist_destroy(nvl);
        return error;
    }
    *out = nvl;
    return 0;
}

static int
describe_peers(struct dco_peers *set, nvlist_t **list, uint32_t max, uint32_t *n)
{
    struct dco_peer_info info;
    uint32_t id = 0;
    int error = 0;

    while (error == 0 && *n < max && dco_control_peer_next(set, id, &info) == 0) {
        error = describe_peer(&info, &list[*n]);
        if (error == 0)
            (*n)++;
        id = info.id + 1;
    }
    return error;
}

static void
destroy_list(nvlist_t **list, uint32_t n)
{
    while (n-- > 0)
        nvlist_destroy(list[n]);
    free(list, M_NVLIST);
}

/* Peers may go while they are described; none can come, since commands are one at a time. */
int
ovpn_cmd_get_peer_stats(struct ovpn_softc *sc, nvlist_t *reply)
{
    uint32_t max = ovpn_peers_count(sc), n = 0;
    nvlist_t **list;
    int error;

    if (max == 0)
        return 0;
    list = mallocarray(max, sizeof(*list), M_NVLIST, M_WAITOK | M_ZERO);
    error = describe_peers(sc->active, list, max, &n);
    if (error != 0 || n == 0) {
        destroy_list(list, n);
        return error;
    }
    nvlist_move_nvlist_array(reply, "peers", list, n);
    return nvlist_error(reply);
}

SYSCTL_DECL(_net_link);
SYSCTL_NODE(_net_link, IFT_OTHER, openvpn, CTLFLAG_RW | CTLFLAG_MPSAFE, 0, "OpenVPN DCO Interface");

VNET_DEFINE(int, ovpn_replay_protection) = 1;
SYSCTL_INT(_net_link_openvpn, OID_AUTO, replay_protection, CTLFLAG_VNET | CTLFLAG_RW,
           &VNET_NAME(ovpn_replay_protection), 0, "Refuse packets that were received before");

VNET_DEFINE(int, ovpn_async_crypto) = 0;
SYSCTL_INT(_net_link_openvpn, OID_AUTO, async_crypto, CTLFLAG_VNET | CTLFLAG_RW,
           &VNET_NAME(ovpn_async_crypto), 0, "Spread crypto over all cores, in order");

VNET_DEFINE(int, ovpn_netisr_queue) = 0;
SYSCTL_INT(_net_link_openvpn, OID_AUTO, netisr_queue, CTLFLAG_VNET | CTLFLAG_RW,
           &VNET_NAME(ovpn_netisr_queue), 0, "Queue decrypted packets instead of handling at once");

VNET_DEFINE(int, ovpn_mssfix) = -1;
SYSCTL_INT(_net_link_openvpn, OID_AUTO, mssfix, CTLFLAG_VNET | CTLFLAG_RW, &VNET_NAME(ovpn_mssfix),
           0, "Largest inner packet TCP is told of: bytes, 0 off, -1 by the route to the peer");

static void
print_drops(struct sbuf *sb, struct ovpn_softc *sc)
{
    uint64_t n;

    for (unsigned i = 0; i < OVPN_DROP_COUNT; i++) {
        n = counter_u64_fetch(sc->drops[i]);
        if (n != 0)
            sbuf_printf(sb, "\n%s %s %ju", if_name(sc->ifp), ovpn_drop_name(i), (uintmax_t)n);
    }
}

static int
sysctl_drops(SYSCTL_HANDLER_ARGS)
{
    struct ovpn_softc *sc;
    struct sbuf *sb;
    int error;

    error = sysctl_wire_old_buffer(req, 0); /* so that no page of it has to come under the lock */
    if (error != 0)
        return error;
    sb = sbuf_new_for_sysctl(NULL, NULL, 1024, req);
    if (sb == NULL)
        return ENOMEM;
    sx_slock(&ovpn_sx);
    LIST_FOREACH(sc, &V_ovpn_softcs, link)
    print_drops(sb, sc);
    sx_sunlock(&ovpn_sx);
    error = sbuf_finish(sb);
    sbuf_delete(sb);
    return error;
}

SYSCTL_PROC(_net_link_openvpn, OID_AUTO, drops,
            CTLFLAG_VNET | CTLTYPE_STRING | CTLFLAG_RD | CTLFLAG_MPSAFE, NULL, 0, sysctl_drops, "A",
            "Dropped packets: interface, reason, count");
