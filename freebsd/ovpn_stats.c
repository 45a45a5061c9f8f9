/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sums that the ABI knows, made from the counters of the interface, its drop reasons and those
 * of the peers. It knows no outer packets and bytes of a peer, so nothing counts them.
 */
#include "ovpn_stats.h"

#include "ovpn_nv.h"
#include "ovpn_peer.h"

static uint64_t
lost(const struct ovpn_softc *sc, bool rx)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < OVPN_DROP_COUNT; i++) {
        if (ovpn_drop_is_rx(i) == rx)
            sum += ovpn_counters_dropped(&sc->counters, i);
    }
    return sum;
}

static uint64_t
inner(const struct ovpn_softc *sc, ift_counter which)
{
    return sc->ifp->if_get_counter(sc->ifp, which);
}

/* openvpn sends its control packets itself, so the driver cannot count them. */
int
ovpn_cmd_get_stats(struct ovpn_softc *sc, nvlist_t *reply)
{
    const struct ovpn_counters *c = &sc->counters;
    uint64_t nomem_in = ovpn_counters_dropped(c, OVPN_DROP_RX_NO_BUFFER);
    uint64_t nomem_out = ovpn_counters_dropped(c, DCO_DROP_TX_NO_BUFFER);
    const struct {
        const char *name;
        uint64_t in, out;
    } pairs[] = {
        {"lost_ctrl", 0, 0},
        {"lost_data", lost(sc, true) - nomem_in, lost(sc, false) - nomem_out},
        {"nomem_data", nomem_in, nomem_out},
        {"data", inner(sc, IFCOUNTER_IPACKETS), inner(sc, IFCOUNTER_OPACKETS)},
        {"ctrl", ovpn_counters_total(c, OVPN_CTRL_IN), 0},
        {"tunnel", inner(sc, IFCOUNTER_IBYTES), inner(sc, IFCOUNTER_OBYTES)},
        {"transport", ovpn_counters_total(c, OVPN_TRANSPORT_IN),
         ovpn_counters_total(c, OVPN_TRANSPORT_OUT)},
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

/* Peers may be removed meanwhile, but none can be added: commands run one at a time. */
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
