/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_addr.h"

#include <netinet/in.h>

void
ovpn_addr_endpoint(const struct sockaddr *sa, struct dco_endpoint *endpoint)
{
    const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)(const void *)sa;
    const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)sa;

    memset(endpoint, 0, sizeof(*endpoint));
    if (!ovpn_addr_ip(sa, &endpoint->ip))
        return;
    endpoint->port = endpoint->ip.family == 4 ? sin->sin_port : sin6->sin6_port;
    endpoint->scope_id = endpoint->ip.family == 4 ? 0 : sin6->sin6_scope_id;
}

bool
ovpn_addr_ip(const struct sockaddr *sa, struct dco_ip *ip)
{
    const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)(const void *)sa;
    const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)sa;

    switch (sa->sa_family) {
    case AF_INET:
        *ip = dco_ip4((const uint8_t *)&sin->sin_addr);
        return true;
    case AF_INET6:
        *ip = dco_ip6((const uint8_t *)&sin6->sin6_addr);
        return true;
    default:
        memset(ip, 0, sizeof(*ip));
        return false;
    }
}
