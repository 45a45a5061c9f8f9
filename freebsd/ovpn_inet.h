/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the module asks of the kernel's IPv4. A kernel without it (options INET) has no routes, no
 * addresses and no way out for the family.
 */
#ifndef OVPN_INET_H
#define OVPN_INET_H

#include "opt_inet.h"

#include "ovpn_softc.h"

#include <sys/mbuf.h>

struct nhop_object;

#ifdef INET

/* Puts UDP and IP headers before m and sends it from path->local to path->remote. Takes m; 0 or an
 * errno. In the network epoch. */
int ovpn_inet_send(struct ovpn_softc *sc, const struct dco_path *path, struct mbuf *m);
/* The route to an address in the table fib, or NULL. In the network epoch. */
const struct nhop_object *ovpn_inet_lookup(uint32_t fib, const struct dco_ip *ip);
/* Whether an address is one of this host. In the network epoch. */
bool ovpn_inet_is_local(const struct dco_ip *ip);
/* The destination of the datagram whose IP header m begins with. */
void ovpn_inet_dst(const struct mbuf *m, struct dco_ip *ip);

#else

static inline int
ovpn_inet_send(struct ovpn_softc *sc __unused, const struct dco_path *path __unused, struct mbuf *m)
{
    m_freem(m);
    return EAFNOSUPPORT;
}

static inline const struct nhop_object *
ovpn_inet_lookup(uint32_t fib __unused, const struct dco_ip *ip __unused)
{
    return NULL;
}

static inline bool
ovpn_inet_is_local(const struct dco_ip *ip __unused)
{
    return false;
}

static inline void
ovpn_inet_dst(const struct mbuf *m __unused, struct dco_ip *ip)
{
    memset(ip, 0, sizeof(*ip));
}

#endif

#endif
