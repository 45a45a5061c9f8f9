/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_addr.h"

#include <netinet/in.h>

bool
ovpn_addr_ip(const struct sockaddr *sa, struct dco_ip *ip)
{
    const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)(const void *)sa;
    const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)sa;

    switch (sa->sa_family) {
    case AF_INET:
        dco_ip_set4(ip, (const uint8_t *)&sin->sin_addr);
        return true;
    case AF_INET6:
        dco_ip_set6(ip, (const uint8_t *)&sin6->sin6_addr);
        return true;
    default:
        memset(ip, 0, sizeof(*ip));
        return false;
    }
}

_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "one place for the port");

void
ovpn_addr_endpoint(const struct sockaddr *sa, struct dco_endpoint *endpoint)
{
    const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)(const void *)sa;
    const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)sa;
    bool ok = ovpn_addr_ip(sa, &endpoint->ip);

    endpoint->scope_id = ok && sa->sa_family == AF_INET6 ? sin6->sin6_scope_id : 0;
    endpoint->port = ok ? sin->sin_port : 0; /* lies at the same place in both */
    endpoint->zero = 0;
}
