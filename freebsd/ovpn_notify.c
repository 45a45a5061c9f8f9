/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_notify.h"

#include "if_ovpn.h"
#include "ovpn_nv.h"

/* In point-to-point mode openvpn 2.6 misreads the notification of a float, and 2.7 ignores it. */
static bool
is_told(const struct dco_peers *set, const struct dco_event *event)
{
    return event->kind != DCO_EVENT_FLOAT || dco_peers_mode(set) == DCO_MODE_MP;
}

static bool
take_from(struct dco_peers *set, struct dco_event *event)
{
    while (set != NULL && dco_event_take(set, event)) {
        if (is_told(set, event))
            return true;
    }
    return false;
}

static bool
take_ahead(struct ovpn_softc *sc)
{
    sx_assert(&sc->ctl, SA_XLOCKED);
    if (sc->event_waits)
        return true;
    sc->event_waits =
        take_from(sc->set[DCO_MODE_P2P], &sc->event) || take_from(sc->set[DCO_MODE_MP], &sc->event);
    if (sc->event_waits)
        sc->event_number++;
    return sc->event_waits;
}

int
ovpn_cmd_poll(struct ovpn_softc *sc, nvlist_t *reply)
{
    nvlist_add_number(reply, "pending", take_ahead(sc) ? 1 : 0);
    return nvlist_error(reply);
}

static int
describe(const struct dco_event *event, nvlist_t *reply)
{
    const struct dco_peer_stats *stats = &event->stats;
    int error;

    nvlist_add_number(reply, "peerid", event->peer_id);
    switch (event->kind) {
    case DCO_EVENT_FLOAT:
        nvlist_add_number(reply, "notification", OVPN_NOTIF_FLOAT);
        return ovpn_nv_add_endpoint(reply, "address", &event->remote);
    case DCO_EVENT_KEY_WANTED:
        nvlist_add_number(reply, "notification", OVPN_NOTIF_ROTATE_KEY);
        return nvlist_error(reply);
    default:
        nvlist_add_number(reply, "notification", OVPN_NOTIF_DEL_PEER);
        nvlist_add_number(reply, "del_reason",
                          event->del_reason == DCO_DEL_EXPIRED ? OVPN_DEL_REASON_TIMEOUT
                                                               : OVPN_DEL_REASON_REQUESTED);
        error = ovpn_nv_add_pair(reply, "packets", stats->vpn_rx_packets, stats->vpn_tx_packets);
        if (error == 0)
            error = ovpn_nv_add_pair(reply, "bytes", stats->vpn_rx_bytes, stats->vpn_tx_bytes);
        return error;
    }
}

/* The event stays until ovpn_event_fetched(), when openvpn has received it. */
int
ovpn_cmd_get_event(struct ovpn_softc *sc, nvlist_t *reply)
{
    return take_ahead(sc) ? describe(&sc->event, reply) : ENOENT;
}

/* The numbers differ if another process has fetched this event and taken the next one. */
void
ovpn_event_fetched(struct ovpn_softc *sc, uint64_t number)
{
    sx_assert(&sc->ctl, SA_XLOCKED);
    if (sc->event_number == number)
        sc->event_waits = false;
}

void
ovpn_events_flush(struct ovpn_softc *sc)
{
    while (take_ahead(sc))
        sc->event_waits = false;
}
