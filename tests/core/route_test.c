/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which gateways an address has, in which order: stated cases, and random sets of routes beside a
 * model that looks at every route for every address.
 */
#include "route.h"

#include "addresses.h"
#include "harness.h"
#include "platform.h"

static bool
bits_equal(const uint8_t *a, const uint8_t *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if ((a[i / 8] ^ b[i / 8]) & 0x80 >> i % 8)
            return false;
    }
    return true;
}

static bool
model_valid(const struct dco_route *r)
{
    return (r->prefix.family == 4 && r->len <= 32) || (r->prefix.family == 6 && r->len <= 128);
}

/* What pick() was offered, and which gateway it takes: the one at this place, if there are so many.
 */
struct offers {
    struct dco_ip gateway[512];
    unsigned n, take;
};

static void *
pick(const void *arg, const struct dco_ip *gateway)
{
    struct offers *offers = *(struct offers *const *)arg;

    CHECK(offers->n < 512);
    offers->gateway[offers->n] = *gateway;
    return offers->n++ == offers->take ? &offers->gateway[offers->take] : NULL;
}

static struct dco_ip *
find(const struct dco_routes *set, const struct dco_ip *ip, struct offers *offers, unsigned take)
{
    offers->n = 0;
    offers->take = take;
    return dco_routes_find(set, ip, pick, &offers);
}

static bool
model_matches(const struct dco_route *r, const struct dco_ip *ip, unsigned len)
{
    return model_valid(r) && r->len == len && r->prefix.family == ip->family &&
           bits_equal(r->prefix.addr, ip->addr, len);
}

static void
model_find(const struct dco_route *routes, size_t n, const struct dco_ip *ip, struct offers *offers)
{
    offers->n = 0;
    for (unsigned len = 129; len-- > 0;) {
        for (size_t i = 0; i < n; i++) {
            if (!model_matches(&routes[i], ip, len))
                continue;
            if (routes[i].gateway.family == 0)
                return;
            offers->gateway[offers->n++] = routes[i].gateway;
        }
    }
}

static void
check_find(const struct dco_routes *set, const struct dco_route *routes, size_t n,
           const struct dco_ip *ip)
{
    static struct offers want, got;
    bool same;

    model_find(routes, n, ip, &want);
    CHECK(find(set, ip, &got, UINT32_MAX) == NULL);
    same = want.n == got.n && memcmp(want.gateway, got.gateway, want.n * sizeof(*ip)) == 0;
    CHECK_THAT(same, "%zu routes, IPv%u %02x%02x%02x%02x..: %u gateways, expected %u", n,
               ip->family, ip->addr[0], ip->addr[1], ip->addr[2], ip->addr[3], got.n, want.n);
    if (want.n > 0) {
        CHECK(find(set, ip, &got, want.n / 2) == &got.gateway[want.n / 2]);
        CHECK_EQ(got.n, want.n / 2 + 1);
    }
}

/* Dense: few distinct values per byte, and most bytes alike at first, so that prefixes nest, repeat
 * and part anywhere. */
static struct dco_ip
random_ip(struct rng *rng)
{
    static const uint8_t few[] = {0x00, 0x01, 0x80, 0xff, 0x0a, 0x0b};
    uint8_t addr[16];
    unsigned alike = rng_below(rng, 16);

    for (unsigned i = 0; i < 16; i++)
        addr[i] = i < alike             ? few[i % 6]
                  : rng_chance(rng, 90) ? few[rng_below(rng, 6)]
                                        : (uint8_t)rng_next(rng);
    return rng_chance(rng, 50) ? dco_ip4(addr) : dco_ip6(addr);
}

static struct dco_route
random_route(struct rng *rng, uint32_t number)
{
    struct dco_route r = {.prefix = random_ip(rng)};
    uint8_t gateway[4];

    dco_write32(gateway, 0x0a000000 + number + 1);
    r.len = (uint8_t)rng_below(rng, r.prefix.family == 4 ? 33 : 129);
    if (rng_chance(rng, 2))
        r.len = (uint8_t)(200 + rng_below(rng, 56));
    if (rng_chance(rng, 2))
        r.prefix.family = 0;
    if (rng_chance(rng, 80))
        r.gateway = rng_chance(rng, 90) ? dco_ip4(gateway) : ip6(number + 1);
    return r;
}

/* The prefix itself, its last address, and the ones just outside. */
static void
probe_edges(const struct dco_routes *set, const struct dco_route *routes, size_t n,
            const struct dco_route *r)
{
    struct dco_ip ip = dco_ip_canon(&r->prefix);
    unsigned width = ip.family == 4 ? 32 : 128;

    if (!model_valid(r) || ip.family == 0)
        return;
    check_find(set, routes, n, &ip);
    for (unsigned i = r->len; i < width; i++)
        ip.addr[i / 8] |= (uint8_t)(0x80 >> i % 8);
    check_find(set, routes, n, &ip);
    for (unsigned i = r->len; i < width; i++)
        ip.addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    check_find(set, routes, n, &ip);
    if (r->len > 0) {
        ip.addr[(r->len - 1) / 8] ^= (uint8_t)(0x80 >> (r->len - 1) % 8);
        check_find(set, routes, n, &ip);
    }
}

static void
one_set(struct rng *rng, struct platform *platform, size_t n)
{
    struct dco_route *routes = calloc(n + 1, sizeof(*routes));
    struct dco_routes *set;

    for (size_t i = 0; i < n; i++)
        routes[i] = random_route(rng, (uint32_t)i);
    set = dco_routes_new(&platform->env, routes, n);
    CHECK(set != NULL);
    for (unsigned i = 0; i < 200; i++) {
        struct dco_ip ip = random_ip(rng);

        check_find(set, routes, n, &ip);
    }
    for (size_t i = 0; i < n; i++)
        probe_edges(set, routes, n, &routes[i]);
    CHECK_EQ(platform->allocations, 1);
    dco_routes_free(set);
    free(routes);
}

TEST("route: random sets beside the model")
{
    struct rng rng = test_rng();
    struct platform platform;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    for (unsigned i = 0; i < test_rounds(150); i++)
        one_set(&rng, &platform, i < 30 ? i : rng_below(&rng, 400));
    platform_fini(&platform);
}

/* want: the best gateway; family 0: none. */
static void
expect(const struct dco_routes *set, struct dco_ip ip, struct dco_ip want)
{
    static struct offers offers;
    const struct dco_ip *got = find(set, &ip, &offers, 0);

    CHECK(want.family == 0 ? got == NULL : got != NULL && dco_ip_equal(got, &want));
}

/* As a server has them: the pool on-link, networks of clients behind their addresses. */
TEST("route: stated cases")
{
    const struct dco_route routes[] = {
        {.prefix = ip4(10, 8, 0, 0), .len = 24},
        {.prefix = ip4(192, 168, 5, 77), .len = 24, .gateway = ip4(10, 8, 0, 3)},
        {.prefix = ip4(192, 168, 5, 0), .len = 24, .gateway = ip4(10, 8, 0, 4)},
        {.prefix = ip4(192, 168, 5, 128), .len = 25},
        {.prefix = ip4(0, 0, 0, 0), .len = 0, .gateway = ip4(10, 8, 0, 9)},
        {.prefix = ip6(0), .len = 64, .gateway = ip6(2)},
        {.prefix = ip6(0x10), .len = 128, .gateway = ip4(10, 8, 0, 6)},
    };
    const struct dco_ip none = {0};
    static struct offers offers;
    struct platform platform;
    struct dco_routes *set;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    set = dco_routes_new(&platform.env, routes, sizeof(routes) / sizeof(routes[0]));
    expect(set, ip4(10, 8, 0, 2), none);
    expect(set, ip4(192, 168, 5, 1), ip4(10, 8, 0, 3)); /* the first given */
    expect(set, ip4(192, 168, 5, 200), none);
    expect(set, ip4(8, 8, 8, 8), ip4(10, 8, 0, 9));
    expect(set, ip6(0x11), ip6(2));
    expect(set, ip6(0x10), ip4(10, 8, 0, 6));
    CHECK(find(set, &(struct dco_ip){4, {0}, {192, 168, 5, 1}}, &offers, 1) != NULL);
    CHECK_EQ(offers.gateway[1].addr[3], 4);
    dco_routes_free(set);
    platform_fini(&platform);
}

TEST("route: empty set, no set, no address")
{
    struct platform platform;
    struct dco_routes *set;
    struct dco_ip none = {0};

    platform_init(&platform, PLATFORM_IMMEDIATE);
    set = dco_routes_new(&platform.env, NULL, 0);
    CHECK(set != NULL);
    expect(set, ip4(1, 2, 3, 4), none);
    expect(NULL, ip6(1), none);
    expect(set, none, none);
    dco_routes_free(set);
    dco_routes_free(NULL);
    platform_fini(&platform);
}

TEST("route: without memory, or too many")
{
    const struct dco_route route = {
        .prefix = ip4(10, 0, 0, 0), .len = 8, .gateway = ip4(10, 8, 0, 1)};
    struct platform platform;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    platform.fail_in = 0;
    CHECK(dco_routes_new(&platform.env, &route, 1) == NULL);
    CHECK(dco_routes_new(&platform.env, &route, SIZE_MAX) == NULL);
    CHECK(dco_routes_new(&platform.env, &route, SIZE_MAX / 64) == NULL);
    platform_fini(&platform);
}

/* Adjacent prefixes: the deepest trie of its size. */
TEST("route: twenty thousand networks")
{
    struct rng rng = test_rng();
    struct platform platform;
    size_t n = 20000;
    struct dco_route *routes = calloc(n, sizeof(*routes));
    struct dco_routes *set;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    for (size_t i = 0; i < n; i++) {
        uint8_t addr[4];

        dco_write32(addr, (uint32_t)i << 12);
        routes[i] = (struct dco_route){.prefix = dco_ip4(addr), .len = 20, .gateway = ip6(i + 1)};
    }
    set = dco_routes_new(&platform.env, routes, n);
    for (unsigned i = 0; i < 5000; i++) {
        uint32_t r = rng_below(&rng, (uint32_t)n);
        uint8_t addr[4];

        dco_write32(addr, r << 12 | rng_below(&rng, 4096));
        expect(set, dco_ip4(addr), ip6(r + 1));
    }
    dco_routes_free(set);
    free(routes);
    platform_fini(&platform);
}
