/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_nv.h"

#include <sys/socket.h>

#include <netinet/in.h>

int
ovpn_nv_number(const nvlist_t *nvl, const char *name, uint64_t max, uint64_t *value)
{
    if (nvl == NULL || !nvlist_exists_number(nvl, name))
        return EINVAL;
    *value = nvlist_get_number(nvl, name);
    return *value <= max ? 0 : EINVAL;
}

/* The member "address" of a list, whose length must suit the family. */
static int
get_ip(const nvlist_t *nvl, bool v4, struct dco_ip *ip)
{
    const void *bytes;
    size_t len;

    if (!nvlist_exists_binary(nvl, "address"))
        return EINVAL;
    bytes = nvlist_get_binary(nvl, "address", &len);
    if (len != (v4 ? sizeof(struct in_addr) : sizeof(struct in6_addr)))
        return EINVAL;
    *ip = v4 ? dco_ip4(bytes) : dco_ip6(bytes);
    return 0;
}

static int
get_endpoint(const nvlist_t *nvl, struct dco_endpoint *endpoint)
{
    uint64_t af, port, scope_id = 0;

    if (ovpn_nv_number(nvl, "af", UINT8_MAX, &af) != 0 || (af != AF_INET && af != AF_INET6) ||
        ovpn_nv_number(nvl, "port", UINT16_MAX, &port) != 0)
        return EINVAL;
    if (af == AF_INET6 && nvlist_exists_number(nvl, "scopeid") &&
        ovpn_nv_number(nvl, "scopeid", UINT32_MAX, &scope_id) != 0)
        return EINVAL;
    endpoint->port = (uint16_t)port;
    endpoint->scope_id = (uint32_t)scope_id;
    return get_ip(nvl, af == AF_INET, &endpoint->ip);
}

int
ovpn_nv_endpoint(const nvlist_t *nvl, const char *name, struct dco_endpoint *endpoint)
{
    memset(endpoint, 0, sizeof(*endpoint));
    if (!nvlist_exists_nvlist(nvl, name))
        return EINVAL;
    return get_endpoint(nvlist_get_nvlist(nvl, name), endpoint);
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
