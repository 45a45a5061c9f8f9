/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding peers, and how long they live: stated cases. control_model_test.c has the random ones. */
#include "device.h"

static void
found(void)
{
    struct dco_peer *a, *b;

    begin(DCO_MODE_MP);
    check(dco_peers_by_id(p, 1) == NULL);
    check(at(1, 1000) == NULL);
    check(to(ip4(10, 8, 0, 1)) == NULL);
    a = add(1, 0);
    b = add(0xfffffe, 0);
    check(a != NULL && b != NULL && a != b);
    check(dco_peers_by_id(p, 2) == NULL);
    check(dco_peers_by_id(p, DCO_PEER_ID_UNDEF) == NULL);
    check(dco_peers_by_id(p, UINT32_MAX) == NULL);
    check(to(ip4(10, 8, 0, 1)) == a);
    check(to(ip6(1)) == a);
    check(to(ip6(0xfffffe)) == b);
    check(at(1, 1000) == a);
    check(at(1, 1001) == NULL);
    check_equal(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    check(dco_peers_by_id(p, 1) == NULL);
    check(to(ip4(10, 8, 0, 1)) == NULL);
    check(to(ip6(1)) == NULL);
    check(at(1, 1000) == NULL);
    end();
}

static void
no_address_matches_no_peer(void)
{
    struct dco_peer_new req = request(1);
    struct dco_ip none = {0}, any4 = ip4(0, 0, 0, 0), any6 = ip6(0);

    begin(DCO_MODE_MP);
    req.vpn6 = none;
    check_equal(dco_control_peer_new(p, &req, 0), 0);
    memset(any6.addr, 0, sizeof(any6.addr));
    check(to(none) == NULL);
    check(to(any4) == NULL);
    check(to(any6) == NULL);
    end();
}

static void
through_routes(void)
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
    check(to(ip4(192, 168, 1, 5)) == NULL);
    dco_peers_set_routes(p, dco_routes_new(&home.env, routes, 3));
    check(to(ip4(192, 168, 1, 5)) == a);
    check(to(ip4(192, 168, 2, 5)) == NULL);
    check(to(ip6(0xff07)) == b);
    check(dco_peers_source_ok(p, a, &(struct dco_ip){4, {0}, {192, 168, 1, 9}}));
    check(!dco_peers_source_ok(p, b, &(struct dco_ip){4, {0}, {192, 168, 1, 9}}));
    check(!dco_peers_source_ok(p, a, &(struct dco_ip){4, {0}, {192, 168, 9, 9}}));
    check(dco_peers_source_ok(p, a, &a->vpn4));
    check(!dco_peers_source_ok(p, a, &b->vpn4));
    dco_peers_set_routes(p, NULL);
    check(to(ip4(192, 168, 1, 5)) == NULL);
    dco_peers_set_routes(p, dco_routes_new(&home.env, routes, 1));
    check(to(ip4(192, 168, 1, 5)) == a);
    end();
}

static void
point_to_point(void)
{
    struct dco_peer *a;

    begin(DCO_MODE_P2P);
    check(to(ip4(10, 8, 0, 1)) == NULL);
    a = add(7, 0);
    check(a->vpn4.family == 0);
    check(to(ip4(1, 2, 3, 4)) == a);
    check(to(ip6(9)) == a);
    check(dco_peers_source_ok(p, a, &(struct dco_ip){4, {0}, {8, 8, 8, 8}}));
    check(dco_peers_by_id(p, 7) == a);
    check(at(7, 1000) == a);
    check_equal(dco_control_peer_del(p, 7, DCO_DEL_USERSPACE), 0);
    check(to(ip4(1, 2, 3, 4)) == NULL);
    end();
}

/* A dual-stack socket reports v4-mapped addresses. */
static void
mapped_remotes(void)
{
    static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 0, 1};
    struct dco_peer_new req = request(1);
    struct dco_endpoint as_mapped = endpoint4(1, 1000);
    struct dco_path path;

    begin(DCO_MODE_MP);
    as_mapped.ip = dco_ip6(mapped);
    check_equal(dco_control_peer_new(p, &req, 0), 0);
    check(dco_peers_by_remote(p, &as_mapped) == dco_peers_by_id(p, 1));
    req = request(2);
    req.path.remote = as_mapped;
    req.path.remote.port = endpoint4(1, 2000).port;
    req.path.local = dco_ip6(mapped);
    check_equal(dco_control_peer_new(p, &req, 0), 0);
    check(at(1, 2000) == dco_peers_by_id(p, 2));
    dco_peer_path(dco_peers_by_id(p, 2), &path);
    check(path.remote.ip.family == 4 && path.local.family == 4);
    path = path4(1, 1000);
    path.remote.ip = dco_ip6(mapped);
    check(!seen(dco_peers_by_id(p, 1), path, SECOND));
    end();
}

static void
shared_vpn_address(void)
{
    struct dco_peer_new req = request(2);
    struct dco_peer *a, *b;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    req.vpn4 = a->vpn4;
    req.share_vpn = true;
    check_equal(dco_control_peer_new(p, &req, 0), 0);
    b = dco_peers_by_id(p, 2);
    check(to(ip4(10, 8, 0, 1)) == b);
    check(!dco_peers_source_ok(p, a, &b->vpn4));
    check(to(ip6(1)) == a);
    check_equal(dco_control_peer_del(p, 2, DCO_DEL_USERSPACE), 0);
    check(to(ip4(10, 8, 0, 1)) == a);
    end();
}

/* References */

static void
a_peer_outlives_its_removal(void)
{
    struct test_transport *t;
    struct dco_peer_new req = request(1);
    struct dco_peer *peer;

    begin(DCO_MODE_MP);
    t = home_transport(&home, 1);
    home_transport_get(&home, t);
    req.transport = t;
    check_equal(dco_control_peer_new(p, &req, 0), 0);
    peer = dco_peers_by_id(p, 1);
    check(dco_peer_get(peer));
    check_equal(key_install(&home, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    check_equal(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    check(peer->dead);
    check(dco_peer_key_tx(peer) == NULL);
    check(dco_peer_key_rx(peer, 0) == NULL);
    check_equal(home.cryptos, 0);
    check(taken(DCO_EVENT_DEL, 1));
    check_equal(t->refs, 2);
    dco_peer_put(peer);
    check_equal(t->refs, 1);
    home_transport_put(&home, t);
    end();
}

static void
late_readers(void)
{
    struct dco_peer *peer;

    home_init(&home, HOME_DELAYED);
    p = peers_make(&home, DCO_MODE_MP);
    peer = add(1, 0);
    check_equal(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    take();
    check(!dco_peer_get(peer)); /* the read section is still open: memory is there, life is not */
    check_equal(peer->id, 1);
    check(home.allocations > 0);
    end();
}

static void
fini_with_everything_waiting(void)
{
    begin(DCO_MODE_MP);
    for (uint32_t n = 1; n <= 20; n++) {
        struct dco_peer *peer = add(n, 0);

        check_equal(key_install(&home, p, n, DCO_SLOT_PRIMARY, 0, n, 0), 0);
        check(seen(peer, path4(n + 100, 1), SECOND));
        if (n % 2)
            check_equal(dco_control_peer_del(p, n, DCO_DEL_USERSPACE), 0);
    }
    dco_peers_set_routes(p, dco_routes_new(&home.env, NULL, 0));
    end();
}

static void
fini_wipes(void)
{
    static const struct dco_siphash_key none;

    begin(DCO_MODE_MP);
    add(1, 0);
    check_equal(key_install(&home, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    check(p->fingerprints[0] != 0);
    dco_peers_fini(p);
    check(memcmp(&p->secret, &none, sizeof(none)) == 0);
    check(p->fingerprints[0] == 0);
    free(p);
    home_fini(&home);
}

static const struct test tests[] = {
    {"peers: found by id, address and remote", found},
    {"peers: the absent address matches nobody", no_address_matches_no_peer},
    {"peers: destinations behind gateways", through_routes},
    {"peers: point to point", point_to_point},
    {"peers: v4-mapped remotes", mapped_remotes},
    {"peers: a VPN address held twice", shared_vpn_address},
    {"peers: references outlive the removal", a_peer_outlives_its_removal},
    {"peers: a reader that comes late", late_readers},
    {"peers: the end frees what waits", fini_with_everything_waiting},
    {"peers: the end wipes secrets", fini_wipes},
};
HARNESS_MAIN(tests)
