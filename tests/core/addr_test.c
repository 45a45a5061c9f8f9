/* SPDX-License-Identifier: BSD-2-Clause */
#include "addr.h"

#include "addresses.h"
#include "harness.h"

static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7};
static const uint8_t link_local[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
static const uint8_t zero[16];

/* Everything set, as a careless caller would leave it. */
static struct dco_ip
garbage(uint8_t family, const uint8_t *addr, size_t len)
{
    struct dco_ip ip;

    memset(&ip, 0xee, sizeof(ip));
    ip.family = family;
    memcpy(ip.addr, addr, len);
    return ip;
}

TEST("addr: equal addresses are equal bytes")
{
    struct dco_ip a = ip4(192, 0, 2, 7), b = garbage(4, mapped + 12, 4), canon = dco_ip_canon(&b);

    CHECK(!dco_ip_equal(&a, &b));
    CHECK(dco_ip_equal(&a, &canon));
    b = garbage(6, link_local, 16);
    a = dco_ip6(link_local);
    canon = dco_ip_canon(&b);
    CHECK(dco_ip_equal(&a, &canon));
    a = ip6(1);
    CHECK(!dco_ip_equal(&a, &canon));
}

TEST("addr: families never compare equal")
{
    struct dco_ip a = dco_ip4(zero), b = dco_ip6(zero);

    CHECK(!dco_ip_equal(&a, &b));
    a = dco_ip6(mapped);
    b = ip4(192, 0, 2, 7);
    CHECK(!dco_ip_equal(&a, &b));
}

TEST("addr: only ::ffff:0:0/96 is unmapped")
{
    struct dco_ip v4 = ip4(192, 0, 2, 7), ip = dco_ip_unmap(dco_ip6(mapped));
    uint8_t nearly[16];

    CHECK(dco_ip_equal(&ip, &v4));
    ip = dco_ip_unmap(v4);
    CHECK(dco_ip_equal(&ip, &v4));
    for (unsigned bit = 0; bit < 96; bit++) {
        memcpy(nearly, mapped, sizeof(nearly));
        nearly[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        ip = dco_ip_unmap(dco_ip6(nearly));
        CHECK(ip.family == 6 && memcmp(ip.addr, nearly, 16) == 0);
    }
}

TEST("addr: canonical form of an address")
{
    static const struct dco_ip none;
    struct dco_ip ip = garbage(4, zero, 4);

    ip = dco_ip_canon(&ip);
    CHECK(dco_ip_equal(&ip, &none));
    ip = garbage(6, zero, 16);
    ip = dco_ip_canon(&ip);
    CHECK(dco_ip_equal(&ip, &none));
    ip = garbage(0, link_local, 16);
    ip = dco_ip_canon(&ip);
    CHECK(dco_ip_equal(&ip, &none));
    ip = garbage(10, link_local, 16);
    ip = dco_ip_canon(&ip);
    CHECK(dco_ip_equal(&ip, &none));
    ip = dco_ip6(mapped);
    ip = dco_ip_canon(&ip);
    CHECK(ip.family == 6);
}

TEST("addr: the all-zero address")
{
    struct dco_ip ip = garbage(4, zero, 4);

    CHECK(dco_ip_is_any(&ip));
    ip.addr[3] = 1;
    CHECK(!dco_ip_is_any(&ip));
    ip = garbage(6, zero, 16);
    CHECK(dco_ip_is_any(&ip));
    ip.addr[15] = 1;
    CHECK(!dco_ip_is_any(&ip));
    ip = garbage(0, link_local, 16);
    CHECK(dco_ip_is_any(&ip));
}

static struct dco_endpoint
endpoint_of(struct dco_ip ip, uint32_t scope)
{
    struct dco_endpoint e;

    memset(&e, 0xee, sizeof(e));
    e.ip = ip;
    e.scope_id = scope;
    e.port = 0x1234;
    return e;
}

TEST("addr: canonical form of an end point")
{
    static const struct dco_endpoint none;
    struct dco_endpoint a = endpoint_of(garbage(6, mapped, 16), 9);
    struct dco_endpoint b = endpoint_of(garbage(4, mapped + 12, 4), 3);

    a = dco_endpoint_canon(&a);
    b = dco_endpoint_canon(&b);
    CHECK(dco_endpoint_equal(&a, &b));
    CHECK(a.ip.family == 4 && a.port == 0x1234 && a.scope_id == 0 && a.zero == 0);

    a = endpoint_of(dco_ip6(link_local), 9);
    a = dco_endpoint_canon(&a);
    CHECK(a.scope_id == 9 && a.zero == 0);
    b = endpoint_of(dco_ip6(link_local), 8);
    b = dco_endpoint_canon(&b);
    CHECK(!dco_endpoint_equal(&a, &b));

    for (unsigned second = 0; second < 256; second++) { /* fe80::/10 and its neighbours */
        uint8_t addr[16] = {0xfe, (uint8_t)second, [15] = 1};

        a = endpoint_of(dco_ip6(addr), 9);
        a = dco_endpoint_canon(&a);
        CHECK_EQ(a.scope_id, second >= 0x80 && second < 0xc0 ? 9 : 0);
    }
    a = endpoint_of(ip6(5), 9);
    a = dco_endpoint_canon(&a);
    CHECK(a.scope_id == 0 && a.ip.family == 6);
    a = endpoint_of(garbage(0, zero, 4), 9);
    a = dco_endpoint_canon(&a);
    CHECK(dco_endpoint_equal(&a, &none));
    a = endpoint_of(garbage(7, zero, 4), 9);
    a = dco_endpoint_canon(&a);
    CHECK(dco_endpoint_equal(&a, &none));
}

/* Addresses that differ in two neighbouring bytes fall into as many cells as random ones would:
 * of 16384 about 63 % are hit, and none by very many. */
TEST("addr: the hash spreads")
{
    static uint8_t cell[16384];

    for (unsigned at = 0; at < 15; at++) {
        unsigned used = 0, most = 0;

        memset(cell, 0, sizeof(cell));
        for (unsigned n = 0; n < sizeof(cell); n++) {
            uint8_t addr[16] = {0x20, 0x01, 0x0d, 0xb8};
            struct dco_ip ip;
            uint64_t hash;

            addr[at] = (uint8_t)(n >> 8);
            addr[at + 1] = (uint8_t)n;
            ip = at < 3 ? dco_ip4(addr) : dco_ip6(addr);
            hash = dco_ip_hash(&ip, 0x1234567);
            used += cell[hash % sizeof(cell)] == 0;
            if (++cell[hash % sizeof(cell)] > most)
                most = cell[hash % sizeof(cell)];
        }
        CHECK_THAT(used > 10000 && most < 12, "bytes %u and %u: %u cells, at most %u in one", at,
                   at + 1, used, most);
    }
}

TEST("addr: the hash tells families and seeds apart")
{
    static const uint8_t addr[16] = {10, 8, 0, 1};
    struct dco_ip v4 = dco_ip4(addr), v6 = dco_ip6(addr);

    CHECK(dco_ip_hash(&v4, 1) != dco_ip_hash(&v6, 1));
    CHECK(dco_ip_hash(&v4, 1) != dco_ip_hash(&v4, 2));
    CHECK(dco_ip_hash(&v4, 1) == dco_ip_hash(&v4, 1));
}
