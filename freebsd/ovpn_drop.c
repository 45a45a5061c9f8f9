/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_drop.h"

#include <sys/param.h>
#include <sys/mbuf.h>
#include <sys/sdt.h>

#include "ovpn_softc.h"

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
    counter_u64_add(sc->counters.drops[reason], 1);
    if (ifp != NULL)
        if_inc_counter(ifp, ovpn_drop_is_rx(reason) ? IFCOUNTER_IERRORS : IFCOUNTER_OERRORS, 1);
    m_freem(m);
    return reason;
}
