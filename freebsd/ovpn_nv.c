/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_nv.h"

#include <netinet/in.h>

int
ovpn_nv_number(const nvlist_t *nvl, const char *name, uint64_t max, uint64_t *value)
{
    if (nvl == NULL || !nvlist_exists_number(nvl, name))
        return EINVAL;
    *value = nvlist_get_number(nvl, name);
    return *value <= max ? 0 : EINVAL;
}

static int
get_address(const nvlist_t *nvl, void *address, size_t want)
{
    const void *bytes;
    size_t len;

    bytes = nvlist_get_binary(nvl, "address", &len);
    if (len != want)
        return EINVAL;
    memcpy(address, bytes, want);
    return 0;
}

static int
get_sockaddr4(const nvlist_t *nvl, uint16_t port, struct sockaddr_in *sin)
{
    sin->sin_len = sizeof(*sin);
    sin->sin_family = AF_INET;
    sin->sin_port = port;
    return get_address(nvl, &sin->sin_addr, sizeof(sin->sin_addr));
}

static int
get_sockaddr6(const nvlist_t *nvl, uint16_t port, struct sockaddr_in6 *sin6)
{
    uint64_t scope;

    sin6->sin6_len = sizeof(*sin6);
    sin6->sin6_family = AF_INET6;
    sin6->sin6_port = port;
    if (nvlist_exists_number(nvl, "scopeid")) {
        if (ovpn_nv_number(nvl, "scopeid", UINT32_MAX, &scope) != 0)
            return EINVAL;
        sin6->sin6_scope_id = (uint32_t)scope;
    }
    return get_address(nvl, &sin6->sin6_addr, sizeof(sin6->sin6_addr));
}

int
ovpn_nv_sockaddr(const nvlist_t *nvl, const char *name, struct sockaddr_storage *ss)
{
    const nvlist_t *sub;
    uint64_t af, port;

    memset(ss, 0, sizeof(*ss));
    if (!nvlist_exists_nvlist(nvl, name))
        return EINVAL;
    sub = nvlist_get_nvlist(nvl, name);
    if (ovpn_nv_number(sub, "af", UINT8_MAX, &af) != 0 ||
        ovpn_nv_number(sub, "port", UINT16_MAX, &port) != 0 ||
        !nvlist_exists_binary(sub, "address"))
        return EINVAL;
    switch (af) {
    case AF_INET:
        return get_sockaddr4(sub, (uint16_t)port, (struct sockaddr_in *)ss);
    case AF_INET6:
        return get_sockaddr6(sub, (uint16_t)port, (struct sockaddr_in6 *)ss);
    default:
        return EINVAL;
    }
}

int
ovpn_nv_add_pair(nvlist_t *nvl, const char *name, uint64_t in, uint64_t out)
{
    nvlist_t *pair = nvlist_create(0);

    if (pair == NULL)
        return ENOMEM;
    nvlist_add_number(pair, "in", in);
    nvlist_add_number(pair, "out", out);
    nvlist_move_nvlist(nvl, name, pair);
    return nvlist_error(nvl);
}

int
ovpn_nv_add_endpoint(nvlist_t *nvl, const char *name, const struct dco_endpoint *endpoint)
{
    bool v4 = endpoint->ip.family == 4;
    nvlist_t *sub = nvlist_create(0);

    if (sub == NULL)
        return ENOMEM;
    nvlist_add_number(sub, "af", v4 ? AF_INET : AF_INET6);
    nvlist_add_binary(sub, "address", endpoint->ip.addr, v4 ? 4 : 16);
    nvlist_add_number(sub, "port", endpoint->port);
    if (!v4)
        nvlist_add_number(sub, "scopeid", endpoint->scope_id);
    nvlist_move_nvlist(nvl, name, sub);
    return nvlist_error(nvl);
}
