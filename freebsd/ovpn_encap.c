/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_encap.h"

#include "ovpn_inet.h"
#include "ovpn_inet6.h"
#include "ovpn_udp.h"

/* Flags and checksum state of the inner packet do not apply to the outer one. The flow hash stays,
 * so that the network card keeps the packets of a flow in order. */
static void
forget_inner(struct ovpn_softc *sc, struct mbuf *m)
{
    m_clrprotoflags(m);
    m->m_flags &= ~(M_BCAST | M_MCAST | M_VLANTAG);
    m->m_pkthdr.csum_flags = 0;
    m->m_pkthdr.csum_data = 0;
    m->m_pkthdr.rcvif = NULL;
    M_SETFIB(m, dco_load(&sc->fib));
}

static int
send_by_family(struct ovpn_softc *sc, const struct dco_path *path, struct mbuf *m)
{
    switch (path->remote.ip.family) {
    case 4:
        return ovpn_inet_send(sc, path, m);
    case 6:
        return ovpn_inet6_send(sc, path, m);
    default:
        m_freem(m);
        return EAFNOSUPPORT;
    }
}

int
ovpn_encap(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m)
{
    int len = m->m_pkthdr.len + OVPN_UDP_LEN;
    struct dco_path path;
    int error;

    NET_EPOCH_ASSERT();
    if (sc->ifp->if_link_state != LINK_STATE_UP) {
        (void)ovpn_drop(sc, m, OVPN_DROP_TX_DOWN);
        return ENETDOWN;
    }
    dco_peer_path(peer, &path);
    forget_inner(sc, m);
    error = send_by_family(sc, &path, m);
    if (error == ELOOP) /* the packet came back into a tunnel, which has counted it */
        return error;
    if (error != 0) {
        (void)ovpn_drop(sc, NULL, dco_drop_of_send(error));
        return error;
    }
    ovpn_count(&sc->counters, OVPN_TRANSPORT_OUT, (uint64_t)len);
    return 0;
}
