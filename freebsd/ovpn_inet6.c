/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_inet6.h"

#ifdef INET6

#include <net/route.h>
#include <net/route/nhop.h>

#include <netinet/in.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

#include <netinet6/in6_fib.h>
#include <netinet6/in6_var.h>
#include <netinet6/ip6_var.h>
#include <netinet6/scope6_var.h>

#include <machine/in_cksum.h>

#include "ovpn_udp.h"

/* Inside the kernel a link-local address carries its zone in its second 16 bits. */
static struct in6_addr
in6_of(const struct dco_ip *ip, uint32_t scope_id)
{
    struct in6_addr in6;

    memcpy(&in6, ip->addr, sizeof(in6));
    if (IN6_IS_ADDR_LINKLOCAL(&in6))
        in6.s6_addr16[1] = htons((uint16_t)scope_id);
    return in6;
}

int
ovpn_inet6_send(struct ovpn_softc *sc, const struct dco_path *path, struct mbuf *m)
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
    ip6->ip6_src = in6_of(&path->local, path->remote.scope_id);
    ip6->ip6_dst = in6_of(&path->remote.ip, path->remote.scope_id);
    ovpn_udp_fill(udp, sc, path, payload);
    udp->uh_sum = in6_cksum_pseudo(ip6, (uint32_t)(OVPN_UDP_LEN + payload), IPPROTO_UDP, 0);
    m->m_pkthdr.csum_flags = CSUM_UDP_IPV6;
    m->m_pkthdr.csum_data = offsetof(struct udphdr, uh_sum);
    return ip6_output(m, NULL, NULL, 0, NULL, NULL, NULL);
}

const struct nhop_object *
ovpn_inet6_lookup(uint32_t fib, const struct dco_ip *ip, uint32_t scope_id)
{
    struct in6_addr in6;

    memcpy(&in6, ip->addr, sizeof(in6));
    return fib6_lookup(fib, &in6, scope_id, NHR_NONE, 0);
}

bool
ovpn_inet6_is_local(const struct dco_ip *ip, uint32_t scope_id)
{
    struct in6_addr in6 = in6_of(ip, scope_id);

    return in6_localip(&in6) != 0;
}

void
ovpn_inet6_dst(const struct mbuf *m, struct dco_ip *ip)
{
    struct in6_addr dst;

    m_copydata(m, offsetof(struct ip6_hdr, ip6_dst), sizeof(dst), (caddr_t)&dst);
    in6_clearscope(&dst);
    dco_ip_set6(ip, dst.s6_addr);
}

int
ovpn_inet6_choose_source(uint32_t fib, const struct dco_endpoint *remote, struct dco_ip *source)
{
    struct in6_addr from = {0}, to;
    struct epoch_tracker et;
    int error;

    memcpy(&to, remote->ip.addr, sizeof(to));
    NET_EPOCH_ENTER(et);
    error = in6_selectsrc_addr(fib, &to, remote->scope_id, NULL, &from, NULL);
    NET_EPOCH_EXIT(et);
    if (error == 0)
        *source = dco_ip6(from.s6_addr);
    return error;
}

#endif
