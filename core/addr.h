/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses as the data plane compares and hashes them. Every struct here is fully initialised,
 * padding included, so that memcmp() equality is address equality.
 */
#ifndef DCO_ADDR_H
#define DCO_ADDR_H

#include "dco_os.h"

/* An IPv4 or IPv6 address. family: 0 (none), 4 or 6. addr: network order; IPv4 uses the first 4
 * bytes and the rest is zero. */
struct dco_ip {
    uint8_t family;
    uint8_t zero[3];
    uint8_t addr[16];
};

/* A UDP end point. port: network order, as in a sockaddr. scope_id: host order, 0 unless the
 * address is IPv6 link-local. */
struct dco_endpoint {
    struct dco_ip ip;
    uint32_t scope_id;
    uint16_t port;
    uint16_t zero;
};

/* The address of a peer, and which of our addresses it is sent from (family 0: the kernel
 * chooses). */
struct dco_path {
    struct dco_endpoint remote;
    struct dco_ip local;
};

_Static_assert(sizeof(struct dco_ip) == 20, "no hidden padding");
_Static_assert(sizeof(struct dco_endpoint) == 28, "no hidden padding");
_Static_assert(sizeof(struct dco_path) == 48, "no hidden padding");

/* addr points at 4 network-order bytes. */
struct dco_ip dco_ip4(const uint8_t *addr);

/* addr points at 16 network-order bytes. A v4-mapped address (RFC 4291 2.5.5.2) stays IPv6. */
struct dco_ip dco_ip6(const uint8_t *addr);

/* The same in place, by stores of whole words. The packet path reads an address right after it was
 * written, and a load that spans several stores waits until they have reached the cache. */
static inline void
dco_ip_set4(struct dco_ip *ip, const uint8_t *addr)
{
    static const uint8_t head[4] = {4};

    memcpy(ip, head, sizeof(head));
    memcpy(ip->addr, addr, 4);
    memset(ip->addr + 4, 0, 12);
}

static inline void
dco_ip_set6(struct dco_ip *ip, const uint8_t *addr)
{
    static const uint8_t head[4] = {6};

    memcpy(ip, head, sizeof(head));
    memcpy(ip->addr, addr, 16);
}

/* Returns the IPv4 address inside a v4-mapped one, and any other address unchanged. */
struct dco_ip dco_ip_unmap(struct dco_ip ip);

static inline uint32_t
dco_ip_differ(const struct dco_ip *a, const struct dco_ip *b, size_t word)
{
    uint32_t x, y;

    memcpy(&x, (const uint8_t *)a + word * sizeof(x), sizeof(x));
    memcpy(&y, (const uint8_t *)b + word * sizeof(y), sizeof(y));
    return x ^ y;
}

/* Compares words: a wider load would span two stores of dco_ip_set4(). */
static inline bool
dco_ip_equal(const struct dco_ip *a, const struct dco_ip *b)
{
    return (dco_ip_differ(a, b, 0) | dco_ip_differ(a, b, 1) | dco_ip_differ(a, b, 2) |
            dco_ip_differ(a, b, 3) | dco_ip_differ(a, b, 4)) == 0;
}

static inline bool
dco_endpoint_equal(const struct dco_endpoint *a, const struct dco_endpoint *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* The canonical form, in which end points are stored, hashed and compared: v4-mapped addresses are
 * IPv4, only link-local IPv6 (RFC 4291 2.5.6) has a scope, padding is zero. Families other than 4
 * and 6 become 0. */
struct dco_endpoint dco_endpoint_canon(const struct dco_endpoint *endpoint);

/* An address with clean padding, without unmapping; the all-zero address becomes family 0. */
struct dco_ip dco_ip_canon(const struct dco_ip *ip);

static inline struct dco_path
dco_path_canon(const struct dco_path *path)
{
    struct dco_ip local = dco_ip_unmap(path->local);
    struct dco_path canon = {dco_endpoint_canon(&path->remote), dco_ip_canon(&local)};

    return canon;
}

/* For tables of inner addresses. Not SipHash: it runs per packet, and inner addresses are assigned
 * by our side, so peers cannot provoke collisions. */
uint64_t dco_ip_hash(const struct dco_ip *ip, uint64_t seed);

/* True for family 0 and for the all-zero address of either family. */
bool dco_ip_is_any(const struct dco_ip *ip);

#endif
