/* SPDX-License-Identifier: BSD-2-Clause */
#include "opt_inet.h"
#include "opt_inet6.h"

#include "ovpn_encap.h"

#include <netinet/in.h>
#include <netinet/in_pcb.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_var.h>
#include <netinet/udp_var.h>

#include <netinet6/ip6_var.h>

#include <machine/in_cksum.h>

#include "ovpn_udp.h"

static unsigned
reason_of(int error)
{
    switch (error) {
    case ENOBUFS:
    case ENOMEM:
        return DCO_DROP_TX_NO_BUFFER;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case EADDRNOTAVAIL:
        return DCO_DROP_TX_UNREACHABLE;
    case EMSGSIZE:
        return DCO_DROP_TX_TOO_BIG;
    default:
        return DCO_DROP_TX_ERROR;
    }
}

/* Nothing of the inner packet's handling may stick to the outer one. The flow hash stays, so that
 * the card keeps packets of a flow in order. */
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

#ifdef INET
/* The checksum is left out, as IPv4 allows: the AEAD has more to say than it would. */
static int
send4(struct ovpn_softc *sc, const struct dco_path *path, struct mbuf *m)
{
    int payload = m->m_pkthdr.len;
    struct ip *ip;

    M_PREPEND(m, (int)sizeof(*ip) + OVPN_UDP_LEN, M_NOWAIT);
    if (m == NULL)
        return ENOBUFS;
    ip = mtod(m, struct ip *);
    memset(ip, 0, sizeof(*ip));
    ip->ip_len = htons((uint16_t)m->m_pkthdr.len);
    ip->ip_ttl = (uint8_t)V_ip_defttl;
    ip->ip_p = IPPROTO_UDP;
    memcpy(&ip->ip_src, path->local.addr, sizeof(ip->ip_src));
    memcpy(&ip->ip_dst, path->remote.ip.addr, sizeof(ip->ip_dst));
    ovpn_udp_fill((struct udphdr *)(ip + 1), sc, path, payload);
    return ip_output(m, NULL, NULL, 0, NULL, NULL);
}
#endif

#ifdef INET6
/* Inside the kernel a link-local address carries its zone in its second 16 bits. */
static void
set_address6(struct in6_addr *in6, const struct dco_ip *ip, uint32_t scope_id)
{
    memcpy(in6, ip->addr, sizeof(*in6));
    if (IN6_IS_ADDR_LINKLOCAL(in6))
        in6->s6_addr16[1] = htons((uint16_t)scope_id);
}

static int
send6(struct ovpn_softc *sc, const struct dco_path *path, struct mbuf *m)
{
    int payload = m->m_pkthdr.len;
    struct ip6_hdr *ip6;
    struct udphdr *udp;

    M_PREPEND(m, (int)sizeof(*ip6) + OVPN_UDP_LEN, M_NOWAIT);
    if (m == NULL)
        return ENOBUFS;
    ip6 = mtod(m, struct ip6_hdr *);
    udp = (struct udphdr *)(ip6 + 1);
    memset(ip6, 0, sizeof(*ip6));
    ip6->ip6_vfc = IPV6_VERSION;
    ip6->ip6_plen = htons((uint16_t)(OVPN_UDP_LEN + payload));
    ip6->ip6_nxt = IPPROTO_UDP;
    ip6->ip6_hlim = (uint8_t)V_ip6_defhlim;
    set_address6(&ip6->ip6_src, &path->local, path->remote.scope_id);
    set_address6(&ip6->ip6_dst, &path->remote.ip, path->remote.scope_id);
    ovpn_udp_fill(udp, sc, path, payload);
    udp->uh_sum = in6_cksum_pseudo(ip6, (uint32_t)(OVPN_UDP_LEN + payload), IPPROTO_UDP, 0);
    m->m_pkthdr.csum_flags = CSUM_UDP_IPV6;
    m->m_pkthdr.csum_data = offsetof(struct udphdr, uh_sum);
    return ip6_output(m, NULL, NULL, 0, NULL, NULL, NULL);
}
#endif

static int
send_by_family(struct ovpn_softc *sc, const struct dco_path *path, struct mbuf *m)
{
    switch (path->remote.ip.family) {
#ifdef INET
    case 4:
        return send4(sc, path, m);
#endif
#ifdef INET6
    case 6:
        return send6(sc, path, m);
#endif
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

    if (sc->ifp->if_link_state != LINK_STATE_UP) {
        (void)ovpn_drop(sc, m, OVPN_DROP_TX_DOWN);
        return ENETDOWN;
    }
    dco_peer_path(peer, &path);
    forget_inner(sc, m);
    error = send_by_family(sc, &path, m);
    if (error == ELOOP) /* came back to a tunnel, which has counted it */
        return error;
    if (error != 0) {
        (void)ovpn_drop(sc, NULL, reason_of(error));
        return error;
    }
    ovpn_count(&sc->counters, OVPN_TRANSPORT_OUT, (uint64_t)len);
    dco_peer_count(peer, DCO_COUNT_LINK_TX_PACKETS, 1);
    dco_peer_count(peer, DCO_COUNT_LINK_TX_BYTES, (uint64_t)(len - OVPN_UDP_LEN));
    return 0;
}
