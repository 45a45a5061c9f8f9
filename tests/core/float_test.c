/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

static void
floats(void)
{
    struct dco_path path = path4(50, 5), now;
    struct dco_endpoint first;
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    check(!seen(a, path4(1, 1000), SECOND));
    check(!seen(a, (struct dco_path){0}, SECOND));
    check(!dco_event_take(p, &(struct dco_event){0}));
    path.local = ip4(203, 0, 113, 1);
    check(seen(a, path, SECOND));
    check(at(1, 1000) == NULL);
    check(at(50, 5) == a);
    dco_peer_path(a, &now);
    check(memcmp(&now, &path, sizeof(now)) == 0);
    first = endpoint4(1, 1000);
    check(dco_endpoint_equal(&a->origin, &first));
    check(dco_control_peer_is(p, &path.remote, &first));
    check(!dco_control_peer_is(p, &path.remote, &path.remote));
    check(!dco_control_peer_is(p, &first, &first)); /* nobody is there */
    check_equal(home.wakes, 1);
    {
        struct dco_event event = take();

        check_equal(event.kind, DCO_EVENT_FLOAT);
        check(dco_endpoint_equal(&event.remote, &path.remote));
    }
    check_equal(take().kind, 0);
    end();
}

static void
float_rate(void)
{
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    check(seen(a, path4(50, 5), SECOND));
    check(!seen(a, path4(51, 5), SECOND + 10 * MS - 1));
    check(at(50, 5) == a);
    check(seen(a, path4(51, 5), SECOND + 10 * MS));
    check(at(51, 5) == a);
    check(taken(DCO_EVENT_FLOAT, 1)); /* several in a row are one */
    check_equal(take().kind, 0);
    end();
}

static void
local_address_follows(void)
{
    struct dco_path path = path4(1, 1000), now;
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    path.local = ip4(203, 0, 113, 1);
    check(!seen(a, path, SECOND)); /* stored, but no float */
    dco_peer_path(a, &now);
    check(dco_ip_equal(&now.local, &path.local));
    check_equal(take().kind, 0);
    check(!seen(a, path4(2, 1000), SECOND + 10 * MS - 1)); /* counts as a change */
    check(at(2, 1000) == NULL);
    check(!seen(a, path4(1, 1000), 2 * SECOND)); /* not known: kept */
    dco_peer_path(a, &now);
    check(dco_ip_equal(&now.local, &path.local));
    check(seen(a, path4(2, 1000), 3 * SECOND));
    dco_peer_path(a, &now);
    check(dco_ip_equal(&now.local, &path.local));
    path.remote.ip = ip6(1);
    memset(&path.local, 0, sizeof(path.local));
    check(seen(a, path, 4 * SECOND)); /* of the other family: not kept */
    dco_peer_path(a, &now);
    check(now.local.family == 0);
    end();
}

static void
no_float_for_streams(void)
{
    struct dco_peer_new req = request(1);
    struct dco_endpoint none = {0};
    struct dco_path now;

    begin(DCO_MODE_MP);
    memset(&req.path, 0, sizeof(req.path));
    check_equal(dco_control_peer_new(p, &req, 0), 0);
    check(dco_peers_by_remote(p, &none) == NULL);
    check(!seen(dco_peers_by_id(p, 1), path4(5, 5), SECOND));
    dco_peer_path(dco_peers_by_id(p, 1), &now);
    check(now.remote.ip.family == 0);
    check(at(5, 5) == NULL);
    check(!seen(dco_peers_by_id(p, 1), req.path, SECOND));
    end();
}

/* Whoever moves to an address in use waits until the others have left. */
static void
float_to_an_address_in_use(void)
{
    struct dco_peer *a, *b;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    b = add(2, 0);
    check(seen(b, path4(1, 1000), SECOND));
    check(at(1, 1000) == a);
    check(at(2, 1000) == NULL);
    check(seen(a, path4(9, 9), SECOND));
    check(at(1, 1000) == b);
    check(at(9, 9) == a);
    check(seen(a, path4(1, 1000), 2 * SECOND));
    check(at(1, 1000) == b);
    check_equal(dco_control_peer_del(p, 2, DCO_DEL_USERSPACE), 0);
    check(at(1, 1000) == a);
    end();
}

/* A new session is where openvpn says it is. */
static void
new_peer_at_an_address_in_use(void)
{
    struct dco_peer_new req = request(2);
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    req.path = path4(1, 1000);
    check_equal(dco_control_peer_new(p, &req, 0), 0);
    check(at(1, 1000) == dco_peers_by_id(p, 2));
    check_equal(dco_control_peer_del(p, 2, DCO_DEL_USERSPACE), 0);
    check(at(1, 1000) == a);
    end();
}

static void
dead_peers_do_not_float(void)
{
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    check(dco_peer_get(a));
    check_equal(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    check(!seen(a, path4(50, 5), SECOND));
    check(at(50, 5) == NULL); /* no way back into a table */
    check(taken(DCO_EVENT_DEL, 1));
    check_equal(take().kind, 0);
    dco_peer_put(a);
    end();
}

static void
float_without_memory(void)
{
    struct dco_peer *a;
    unsigned refused = 0, floated = 0;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    for (uint32_t i = 0; i < 200; i++) {
        home.fail_in = 0;
        if (seen(a, path4(1000 + i, 1), (i + 1) * SECOND)) {
            floated++;
        } else {
            refused++;
            home.fail_in = -1;
            check(seen(a, path4(1000 + i, 1), (i + 1) * SECOND)); /* the next packet */
        }
        check(at(1000 + i, 1) == a);
        check(at(999 + i, 1) == NULL);
    }
    home.fail_in = -1;
    check(refused > 0 && floated > refused);
    end();
}

/* A packet of the key came and is new. */
static bool
may_move(struct dco_peer *peer, struct dco_key *key, uint32_t id)
{
    enum dco_drop verdict = DCO_DROP_NONE;
    bool may = dco_peer_accept(peer, key, &id, &verdict, 1, SECOND) == 0;

    check_equal(verdict, DCO_DROP_NONE);
    return may;
}

static void
late_packets_do_not_move(void)
{
    struct dco_peer *a;
    struct dco_key *key;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    check_equal(key_install(&home, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    key = dco_peer_key_rx(a, 0);
    check(may_move(a, key, 10));
    check(!may_move(a, key, 9));
    check(may_move(a, key, 11));
    check(may_move(a, key, 5000));
    check(!may_move(a, key, 4999));
    end();
}

/* Somebody may have withheld a packet of the key before, with the highest id that it ever had. */
static void
the_key_before_does_not_move(void)
{
    struct dco_key *first, *second, *third;
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    check_equal(key_install(&home, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    first = dco_peer_key_rx(a, 0);
    check(may_move(a, first, 1));
    check_equal(key_install(&home, p, 1, DCO_SLOT_SECONDARY, 1, 2, 0), 0);
    second = dco_peer_key_rx(a, 1);
    check(may_move(a, first, 2)); /* openvpn goes on using it for a minute */
    check(may_move(a, second, 1));
    check(!may_move(a, first, 3)); /* the peer has left it behind */
    check_equal(dco_control_key_swap(p, 1), 0);
    check(!may_move(a, first, 4));
    check(may_move(a, second, 2));
    check_equal(key_install(&home, p, 1, DCO_SLOT_SECONDARY, 2, 3, 0), 0);
    third = dco_peer_key_rx(a, 2);
    check(may_move(a, second, 3));
    check(may_move(a, third, 1));
    check_equal(dco_control_key_del(p, 1, DCO_SLOT_SECONDARY), 0);
    check(!may_move(a, second, 4)); /* whatever became of the newer one */
    end();
}

/* Keys of one peer only: another peer's newer key says nothing about this one. */
static void
each_peer_has_its_own_newest_key(void)
{
    struct dco_peer *a, *b;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    b = add(2, 0);
    check_equal(key_install(&home, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    check_equal(key_install(&home, p, 2, DCO_SLOT_PRIMARY, 0, 2, 0), 0);
    check(may_move(b, dco_peer_key_rx(b, 0), 1));
    check(may_move(a, dco_peer_key_rx(a, 0), 1));
    end();
}

static const struct test tests[] = {
    {"float: new address", floats},
    {"float: at most one in ten milliseconds", float_rate},
    {"float: local address", local_address_follows},
    {"float: not for streams", no_float_for_streams},
    {"float: to an address in use", float_to_an_address_in_use},
    {"float: new peer at an address in use", new_peer_at_an_address_in_use},
    {"float: removed peers stay out of the tables", dead_peers_do_not_float},
    {"float: without memory the next packet tries again", float_without_memory},
    {"float: late packets do not move a peer", late_packets_do_not_move},
    {"float: nor do those of a key that it has left", the_key_before_does_not_move},
    {"float: each peer has its own newest key", each_peer_has_its_own_newest_key},
};
HARNESS_MAIN(tests)
