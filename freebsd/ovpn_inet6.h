/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the module asks of the kernel's IPv6. A kernel without it (options INET6) has no routes, no
 * addresses and no way out for the family.
 */
#ifndef OVPN_INET6_H
#define OVPN_INET6_H

#include "opt_inet6.h"

#include "ovpn_softc.h"

#include <sys/mbuf.h>

struct nhop_object;

#ifdef INET6

/* Puts UDP and IP headers before m and sends it from path->local to path->remote. Takes m; 0 or an
 * errno. In the network epoch. */
int ovpn_inet6_send(struct ovpn_softc *sc, const struct dco_path *path, struct mbuf *m);
/* The route to an address in the table fib, or NULL. In the network epoch. */
const struct nhop_object *ovpn_inet6_lookup(uint32_t fib, const struct dco_ip *ip,
                                            uint32_t scope_id);
/* Whether an address is one of this host, in this zone if it is link-local. In the network epoch.
 */
bool ovpn_inet6_is_local(const struct dco_ip *ip, uint32_t scope_id);
/* The destination of the datagram whose IP header m begins with. */
void ovpn_inet6_dst(const struct mbuf *m, struct dco_ip *ip);
/* The address of ours from which datagrams to remote leave. 0 or an errno. */
int ovpn_inet6_choose_source(uint32_t fib, const struct dco_endpoint *remote,
                             struct dco_ip *source);

#else

static inline int
ovpn_inet6_send(struct ovpn_softc *sc __unused, const struct dco_path *path __unused,
                struct mbuf *m)
{
    m_freem(m);
    return EAFNOSUPPORT;
}

static inline const struct nhop_object *
ovpn_inet6_lookup(uint32_t fib __unused, const struct dco_ip *ip __unused,
                  uint32_t scope_id __unused)
{
    return NULL;
}

static inline bool
ovpn_inet6_is_local(const struct dco_ip *ip __unused, uint32_t scope_id __unused)
{
    return false;
}

static inline void
ovpn_inet6_dst(const struct mbuf *m __unused, struct dco_ip *ip)
{
    memset(ip, 0, sizeof(*ip));
}

static inline int
ovpn_inet6_choose_source(uint32_t fib __unused, const struct dco_endpoint *remote __unused,
                         struct dco_ip *source __unused)
{
    return EAFNOSUPPORT;
}

#endif

#endif
