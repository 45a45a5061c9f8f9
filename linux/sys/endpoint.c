/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static bool
is_link_local(const struct dco_ip *ip)
{
    return ip->family == 6 && ip->addr[0] == 0xfe && (ip->addr[1] & 0xc0) == 0x80;
}

void
endpoint_from_sockaddr(struct dco_endpoint *ep, const struct sockaddr *sa)
{
    memset(ep, 0, sizeof(*ep));
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

        dco_ip_set4(&ep->ip, (const uint8_t *)&in->sin_addr);
        ep->port = in->sin_port;
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

        ep->ip = dco_ip_unmap(dco_ip6((const uint8_t *)&in6->sin6_addr));
        ep->port = in6->sin6_port;
        if (is_link_local(&ep->ip))
            ep->scope_id = in6->sin6_scope_id;
    }
}

static socklen_t
sockaddr_in_fill(const struct dco_endpoint *ep, struct sockaddr_storage *ss)
{
    struct sockaddr_in *in = (struct sockaddr_in *)ss;

    in->sin_family = AF_INET;
    in->sin_port = ep->port;
    memcpy(&in->sin_addr, ep->ip.addr, 4);
    return sizeof(*in);
}

static socklen_t
sockaddr_in6_fill(const struct dco_endpoint *ep, struct sockaddr_storage *ss)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

    in6->sin6_family = AF_INET6;
    in6->sin6_port = ep->port;
    in6->sin6_scope_id = ep->scope_id;
    if (ep->ip.family == 4) {
        in6->sin6_addr.s6_addr[10] = 0xff;
        in6->sin6_addr.s6_addr[11] = 0xff;
        memcpy(in6->sin6_addr.s6_addr + 12, ep->ip.addr, 4);
    } else {
        memcpy(&in6->sin6_addr, ep->ip.addr, 16);
    }
    return sizeof(*in6);
}

socklen_t
endpoint_to_sockaddr(const struct dco_endpoint *ep, sa_family_t family, struct sockaddr_storage *ss)
{
    memset(ss, 0, sizeof(*ss));
    if (ep->ip.family == 4 && family == AF_INET)
        return sockaddr_in_fill(ep, ss);
    if (ep->ip.family != 0 && family == AF_INET6)
        return sockaddr_in6_fill(ep, ss);
    return 0;
}

void
endpoint_text(const struct dco_endpoint *ep, char text[ENDPOINT_TEXT_LEN])
{
    char ip[INET6_ADDRSTRLEN] = "", scope[16] = "";

    text[0] = '\0';
    if (ep->ip.family == 0)
        return;
    inet_ntop(ep->ip.family == 4 ? AF_INET : AF_INET6, ep->ip.addr, ip, sizeof(ip));
    if (ep->scope_id != 0)
        snprintf(scope, sizeof(scope), "%%%u", ep->scope_id);
    snprintf(text, ENDPOINT_TEXT_LEN, ep->ip.family == 4 ? "%s%s:%u" : "[%s%s]:%u", ip, scope,
             ntohs(ep->port));
}
