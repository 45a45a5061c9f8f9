/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_drop.h"

#include <sys/param.h>
#include <sys/mbuf.h>
#include <sys/sdt.h>

#include "ovpn_softc.h"

SDT_PROBE_DEFINE3(if_ovpn, , , drop, "const char *", "struct ovpn_softc *", "struct mbuf *");

#define CORE_NAME(symbol, name, text) [DCO_DROP_##symbol] = name,
#define OVPN_NAME(symbol, name, text) [OVPN_DROP_##symbol] = name,
static const char *const names[] = {DCO_DROP_LIST(CORE_NAME) OVPN_DROP_LIST(OVPN_NAME)};

#define CORE_RX(symbol, name, text) [DCO_DROP_##symbol] = true,
#define OVPN_RX(symbol, name, text) [OVPN_DROP_##symbol] = true,
static const bool is_rx[OVPN_DROP_COUNT] = {DCO_DROP_RX_LIST(CORE_RX) OVPN_DROP_RX_LIST(OVPN_RX)};

const char *
ovpn_drop_name(unsigned reason)
{
    return names[reason];
}

bool
ovpn_drop_is_rx(unsigned reason)
{
    return is_rx[reason];
}

unsigned
ovpn_drop(struct ovpn_softc *sc, struct mbuf *m, unsigned reason)
{
    struct ifnet *ifp = dco_load(&sc->ifp);

    SDT_PROBE3(if_ovpn, , , drop, ovpn_drop_name(reason), sc, m);
    counter_u64_add(sc->counters.drops[reason], 1);
    if (ifp != NULL)
        if_inc_counter(ifp, ovpn_drop_is_rx(reason) ? IFCOUNTER_IERRORS : IFCOUNTER_OERRORS, 1);
    m_freem(m);
    return reason;
}
