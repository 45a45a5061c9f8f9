/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding peers, and how long they live: stated cases. control_model_test.c has the random ones. */
#include "device.h"

TEST("peers: found by id, address and remote")
{
    struct dco_peer *a, *b;

    begin(DCO_MODE_MP);
    CHECK(dco_peers_by_id(p, 1) == NULL);
    CHECK(at(1, 1000) == NULL);
    CHECK(to(ip4(10, 8, 0, 1)) == NULL);
    a = add(1, 0);
    b = add(0xfffffe, 0);
    CHECK(a != NULL && b != NULL && a != b);
    CHECK(dco_peers_by_id(p, 2) == NULL);
    CHECK(dco_peers_by_id(p, DCO_PEER_ID_UNDEF) == NULL);
    CHECK(dco_peers_by_id(p, UINT32_MAX) == NULL);
    CHECK(to(ip4(10, 8, 0, 1)) == a);
    CHECK(to(ip6(1)) == a);
    CHECK(to(ip6(0xfffffe)) == b);
    CHECK(at(1, 1000) == a);
    CHECK(at(1, 1001) == NULL);
    CHECK_EQ(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    CHECK(dco_peers_by_id(p, 1) == NULL);
    CHECK(to(ip4(10, 8, 0, 1)) == NULL);
    CHECK(to(ip6(1)) == NULL);
    CHECK(at(1, 1000) == NULL);
    end();
}

TEST("peers: the absent address matches nobody")
{
    struct dco_peer_new req = request(1);
    struct dco_ip none = {0}, any4 = ip4(0, 0, 0, 0), any6 = ip6(0);

    begin(DCO_MODE_MP);
    req.vpn6 = none;
    CHECK_EQ(dco_control_peer_new(p, &req, 0), 0);
    memset(any6.addr, 0, sizeof(any6.addr));
    CHECK(to(none) == NULL);
    CHECK(to(any4) == NULL);
    CHECK(to(any6) == NULL);
    end();
}

TEST("peers: destinations behind gateways")
{
    const struct dco_route routes[] = {
        {.prefix = ip4(192, 168, 1, 0), .len = 24, .gateway = ip4(10, 8, 0, 1)},
        {.prefix = ip4(192, 168, 2, 0), .len = 24, .gateway = ip4(10, 8, 0, 99)},
        {.prefix = ip6(0xff00), .len = 120, .gateway = ip6(2)},
    };
    struct dco_peer *a, *b;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    b = add(2, 0);
    CHECK(to(ip4(192, 168, 1, 5)) == NULL);
    dco_peers_set_routes(p, dco_routes_new(&platform.env, routes, 3));
    CHECK(to(ip4(192, 168, 1, 5)) == a);
    CHECK(to(ip4(192, 168, 2, 5)) == NULL);
    CHECK(to(ip6(0xff07)) == b);
    CHECK(dco_peers_source_ok(p, a, &(struct dco_ip){4, {0}, {192, 168, 1, 9}}));
    CHECK(!dco_peers_source_ok(p, b, &(struct dco_ip){4, {0}, {192, 168, 1, 9}}));
    CHECK(!dco_peers_source_ok(p, a, &(struct dco_ip){4, {0}, {192, 168, 9, 9}}));
    CHECK(dco_peers_source_ok(p, a, &a->vpn4));
    CHECK(!dco_peers_source_ok(p, a, &b->vpn4));
    dco_peers_set_routes(p, NULL);
    CHECK(to(ip4(192, 168, 1, 5)) == NULL);
    dco_peers_set_routes(p, dco_routes_new(&platform.env, routes, 1));
    CHECK(to(ip4(192, 168, 1, 5)) == a);
    end();
}

/* openvpn's own `route` has the address of the pool's first client as its gateway, and the kernel
 * may hold other routes to where clients are. */
TEST("peers: an address before iroutes, iroutes before routes")
{
    const struct dco_route routes[] = {
        {.prefix = ip4(10, 8, 0, 0), .len = 16},
        {.prefix = ip4(10, 8, 0, 2), .len = 32, .gateway = ip4(10, 8, 0, 3)},
        {.prefix = ip4(192, 168, 1, 0), .len = 24, .gateway = ip4(10, 8, 0, 3)},
        {.prefix = ip4(172, 16, 0, 0), .len = 16, .gateway = ip4(10, 8, 0, 2)},
        {.prefix = ip4(172, 16, 1, 0), .len = 24, .gateway = ip4(10, 8, 0, 99)},
    };
    const struct dco_route iroutes[] = {
        {.prefix = ip4(192, 168, 0, 0), .len = 16, .gateway = ip4(10, 8, 0, 1)},
        {.prefix = ip4(192, 168, 2, 0), .len = 24, .gateway = ip4(10, 8, 0, 99)},
        {.prefix = ip4(192, 168, 3, 0), .len = 24, .gateway = ip4(10, 8, 0, 99)},
        {.prefix = ip4(192, 168, 3, 0), .len = 24, .gateway = ip4(10, 8, 0, 2)},
        {.prefix = ip4(0, 0, 0, 0), .len = 0, .gateway = ip4(10, 8, 0, 1)},
        {.prefix = ip4(10, 8, 0, 0), .len = 16}, /* the device's subnet */
    };
    struct dco_peer *a, *b;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    b = add(2, 0);
    (void)add(3, 0);
    dco_peers_set_routes(p, dco_routes_new(&platform.env, routes, 5));
    dco_peers_set_iroutes(p, dco_routes_new(&platform.env, iroutes, 6));
    CHECK(to(ip4(10, 8, 0, 2)) == b);
    CHECK(to(ip4(10, 8, 0, 7)) == NULL);
    CHECK(to(ip4(8, 8, 8, 8)) == a);
    CHECK(to(ip4(192, 168, 1, 5)) == a); /* the iroute, though the route is longer */
    CHECK(to(ip4(192, 168, 2, 5)) == a); /* the client of the longer one is away */
    CHECK(to(ip4(192, 168, 3, 5)) == b); /* and here that of the first one */
    CHECK(dco_peers_source_ok(p, a, &(struct dco_ip){4, {0}, {192, 168, 1, 9}}));
    CHECK(!dco_peers_source_ok(p, a, &b->vpn4));
    dco_peers_set_iroutes(p, NULL);
    CHECK(to(ip4(10, 8, 0, 2)) == b);
    CHECK(to(ip4(192, 168, 3, 5)) == NULL);
    CHECK(to(ip4(172, 16, 1, 5)) == b); /* the longer one names nobody */
    end();
}

TEST("peers: point to point")
{
    struct dco_peer *a;

    begin(DCO_MODE_P2P);
    CHECK(to(ip4(10, 8, 0, 1)) == NULL);
    a = add(7, 0);
    CHECK(a->vpn4.family == 0);
    CHECK(to(ip4(1, 2, 3, 4)) == a);
    CHECK(to(ip6(9)) == a);
    CHECK(dco_peers_source_ok(p, a, &(struct dco_ip){4, {0}, {8, 8, 8, 8}}));
    CHECK(dco_peers_by_id(p, 7) == a);
    CHECK(at(7, 1000) == a);
    CHECK_EQ(dco_control_peer_del(p, 7, DCO_DEL_USERSPACE), 0);
    CHECK(to(ip4(1, 2, 3, 4)) == NULL);
    end();
}

/* A dual-stack socket reports v4-mapped addresses. */
TEST("peers: v4-mapped remotes")
{
    static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 0, 1};
    struct dco_peer_new req = request(1);
    struct dco_endpoint as_mapped = endpoint4(1, 1000);
    struct dco_path path;

    begin(DCO_MODE_MP);
    as_mapped.ip = dco_ip6(mapped);
    CHECK_EQ(dco_control_peer_new(p, &req, 0), 0);
    CHECK(dco_peers_by_remote(p, &as_mapped) == dco_peers_by_id(p, 1));
    req = request(2);
    req.path.remote = as_mapped;
    req.path.remote.port = endpoint4(1, 2000).port;
    req.path.local = dco_ip6(mapped);
    CHECK_EQ(dco_control_peer_new(p, &req, 0), 0);
    CHECK(at(1, 2000) == dco_peers_by_id(p, 2));
    dco_peer_path(dco_peers_by_id(p, 2), &path);
    CHECK(path.remote.ip.family == 4 && path.local.family == 4);
    path = path4(1, 1000);
    path.remote.ip = dco_ip6(mapped);
    CHECK(!seen(dco_peers_by_id(p, 1), path, SECOND));
    end();
}

TEST("peers: a VPN address held twice")
{
    struct dco_peer_new req = request(2);
    struct dco_peer *a, *b;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    req.vpn4 = a->vpn4;
    req.share_vpn = true;
    CHECK_EQ(dco_control_peer_new(p, &req, 0), 0);
    b = dco_peers_by_id(p, 2);
    CHECK(to(ip4(10, 8, 0, 1)) == b);
    CHECK(!dco_peers_source_ok(p, a, &b->vpn4));
    CHECK(to(ip6(1)) == a);
    CHECK_EQ(dco_control_peer_del(p, 2, DCO_DEL_USERSPACE), 0);
    CHECK(to(ip4(10, 8, 0, 1)) == a);
    end();
}

/* References */

TEST("peers: references outlive the removal")
{
    struct test_transport *t;
    struct dco_peer_new req = request(1);
    struct dco_peer *peer;

    begin(DCO_MODE_MP);
    t = platform_transport(&platform, 1);
    platform_transport_get(&platform, t);
    req.transport = t;
    CHECK_EQ(dco_control_peer_new(p, &req, 0), 0);
    peer = dco_peers_by_id(p, 1);
    CHECK(dco_peer_get(peer));
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    CHECK_EQ(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    CHECK(peer->dead);
    CHECK(dco_peer_key_tx(peer) == NULL);
    CHECK(dco_peer_key_rx(peer, 0) == NULL);
    CHECK_EQ(platform.cryptos, 0);
    check_event(DCO_EVENT_DEL, 1);
    CHECK_EQ(t->refs, 2);
    dco_peer_put(peer);
    CHECK_EQ(t->refs, 1);
    platform_transport_put(&platform, t);
    end();
}

TEST("peers: a reader that comes late")
{
    struct dco_peer *peer;

    platform_init(&platform, PLATFORM_DELAYED);
    p = peers_make(&platform, DCO_MODE_MP);
    peer = add(1, 0);
    CHECK_EQ(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    take();
    CHECK(!dco_peer_get(peer)); /* the read section is still open: memory is there, life is not */
    CHECK_EQ(peer->id, 1);
    CHECK(platform.allocations > 0);
    end();
}

TEST("peers: the end frees what waits")
{
    begin(DCO_MODE_MP);
    for (uint32_t n = 1; n <= 20; n++) {
        struct dco_peer *peer = add(n, 0);

        CHECK_EQ(key_install(&platform, p, n, DCO_SLOT_PRIMARY, 0, n, 0), 0);
        CHECK(seen(peer, path4(n + 100, 1), SECOND));
        if (n % 2)
            CHECK_EQ(dco_control_peer_del(p, n, DCO_DEL_USERSPACE), 0);
    }
    dco_peers_set_routes(p, dco_routes_new(&platform.env, NULL, 0));
    end();
}

TEST("peers: the end wipes secrets")
{
    static const struct dco_siphash_key none;

    begin(DCO_MODE_MP);
    add(1, 0);
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    CHECK(p->fingerprints[0] != 0);
    dco_peers_fini(p);
    CHECK_MEM(&p->secret, &none, sizeof(none));
    CHECK(p->fingerprints[0] == 0);
    free(p);
    platform_fini(&platform);
}
