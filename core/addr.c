/* SPDX-License-Identifier: BSD-2-Clause */
#include "addr.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct dco_ip
dco_ip4(const uint8_t *addr)
{
    struct dco_ip ip;

    dco_ip_set4(&ip, addr);
    return ip;
}

struct dco_ip
dco_ip6(const uint8_t *addr)
{
    struct dco_ip ip;

    dco_ip_set6(&ip, addr);
    return ip;
}

struct dco_ip
dco_ip_unmap(struct dco_ip ip)
{
    if (ip.family == 6 && memcmp(ip.addr, mapped_prefix, sizeof(mapped_prefix)) == 0)
        return dco_ip4(ip.addr + sizeof(mapped_prefix));
    return ip;
}

static struct dco_ip
ip_clean(const struct dco_ip *ip)
{
    struct dco_ip none;

    if (ip->family == 4)
        return dco_ip4(ip->addr);
    if (ip->family == 6)
        return dco_ip6(ip->addr);
    memset(&none, 0, sizeof(none));
    return none;
}

struct dco_ip
dco_ip_canon(const struct dco_ip *ip)
{
    struct dco_ip canon = ip_clean(ip);

    if (dco_ip_is_any(&canon))
        memset(&canon, 0, sizeof(canon));
    return canon;
}

struct dco_endpoint
dco_endpoint_canon(const struct dco_endpoint *endpoint)
{
    struct dco_endpoint canon;

    memset(&canon, 0, sizeof(canon));
    canon.ip = dco_ip_unmap(ip_clean(&endpoint->ip));
    if (canon.ip.family == 0)
        return canon;
    canon.port = endpoint->port;
    if (canon.ip.family == 6 && canon.ip.addr[0] == 0xfe && (canon.ip.addr[1] & 0xc0) == 0x80)
        canon.scope_id = endpoint->scope_id;
    return canon;
}

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014): every input bit affects every output
 * bit. */
static inline uint64_t
mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
    return x ^ x >> 31;
}

uint64_t
dco_ip_hash(const struct dco_ip *ip, uint64_t seed)
{
    uint64_t words[2];

    memcpy(words, ip->addr, sizeof(words));
    return mix(mix(words[0] ^ seed) ^ words[1] ^ ip->family);
}

bool
dco_ip_is_any(const struct dco_ip *ip)
{
    static const uint8_t zero[16];

    return ip->family == 0 || memcmp(ip->addr, zero, ip->family == 4 ? 4 : 16) == 0;
}
