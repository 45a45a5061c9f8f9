/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_inet.h"

#ifdef INET

#include <net/route.h>
#include <net/route/nhop.h>

#include <netinet/in.h>
#include <netinet/in_fib.h>
#include <netinet/in_pcb.h>
#include <netinet/ip.h>
#include <netinet/ip_var.h>
#include <netinet/udp.h>

#include "ovpn_udp.h"

/* Without a UDP checksum, which IPv4 allows: the AEAD detects more errors than it would. */
int
ovpn_inet_send(struct ovpn_softc *sc, const struct dco_path *path, struct mbuf *m)
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

static struct in_addr
in_of(const struct dco_ip *ip)
{
    struct in_addr in;

    memcpy(&in, ip->addr, sizeof(in));
    return in;
}

const struct nhop_object *
ovpn_inet_lookup(uint32_t fib, const struct dco_ip *ip)
{
    return fib4_lookup(fib, in_of(ip), 0, NHR_NONE, 0);
}

bool
ovpn_inet_is_local(const struct dco_ip *ip)
{
    return in_localip(in_of(ip));
}

void
ovpn_inet_dst(const struct mbuf *m, struct dco_ip *ip)
{
    uint8_t dst[sizeof(struct in_addr)];

    m_copydata(m, offsetof(struct ip, ip_dst), sizeof(dst), (caddr_t)dst);
    dco_ip_set4(ip, dst);
}

#endif
