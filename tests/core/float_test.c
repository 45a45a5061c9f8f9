/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

TEST("float: new address")
{
    struct dco_path path = path4(50, 5), now;
    struct dco_endpoint first;
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    CHECK(!seen(a, path4(1, 1000), SECOND));
    CHECK(!seen(a, (struct dco_path){0}, SECOND));
    CHECK(!dco_event_take(p, &(struct dco_event){0}));
    path.local = ip4(203, 0, 113, 1);
    CHECK(seen(a, path, SECOND));
    CHECK(at(1, 1000) == NULL);
    CHECK(at(50, 5) == a);
    dco_peer_path(a, &now);
    CHECK_MEM(&now, &path, sizeof(now));
    first = endpoint4(1, 1000);
    CHECK(dco_endpoint_equal(&a->origin, &first));
    CHECK(dco_control_peer_is(p, &path.remote, &first));
    CHECK(!dco_control_peer_is(p, &path.remote, &path.remote));
    CHECK(!dco_control_peer_is(p, &first, &first)); /* nobody is there */
    CHECK_EQ(platform.wakes, 1);
    {
        struct dco_event event = take();

        CHECK_EQ(event.kind, DCO_EVENT_FLOAT);
        CHECK(dco_endpoint_equal(&event.remote, &path.remote));
    }
    CHECK_EQ(take().kind, 0);
    end();
}

TEST("float: at most one in ten milliseconds")
{
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    CHECK(seen(a, path4(50, 5), SECOND));
    CHECK(!seen(a, path4(51, 5), SECOND + 10 * MS - 1));
    CHECK(at(50, 5) == a);
    CHECK(seen(a, path4(51, 5), SECOND + 10 * MS));
    CHECK(at(51, 5) == a);
    check_event(DCO_EVENT_FLOAT, 1); /* several in a row are one */
    CHECK_EQ(take().kind, 0);
    end();
}

TEST("float: local address")
{
    struct dco_path path = path4(1, 1000), now;
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    path.local = ip4(203, 0, 113, 1);
    CHECK(!seen(a, path, SECOND)); /* stored, but no float */
    dco_peer_path(a, &now);
    CHECK(dco_ip_equal(&now.local, &path.local));
    CHECK_EQ(take().kind, 0);
    CHECK(!seen(a, path4(2, 1000), SECOND + 10 * MS - 1)); /* counts as a change */
    CHECK(at(2, 1000) == NULL);
    CHECK(!seen(a, path4(1, 1000), 2 * SECOND)); /* not known: kept */
    dco_peer_path(a, &now);
    CHECK(dco_ip_equal(&now.local, &path.local));
    CHECK(seen(a, path4(2, 1000), 3 * SECOND));
    dco_peer_path(a, &now);
    CHECK(dco_ip_equal(&now.local, &path.local));
    path.remote.ip = ip6(1);
    memset(&path.local, 0, sizeof(path.local));
    CHECK(seen(a, path, 4 * SECOND)); /* of the other family: not kept */
    dco_peer_path(a, &now);
    CHECK(now.local.family == 0);
    end();
}

TEST("float: not for streams")
{
    struct dco_peer_new req = request(1);
    struct dco_endpoint none = {0};
    struct dco_path now;

    begin(DCO_MODE_MP);
    memset(&req.path, 0, sizeof(req.path));
    CHECK_EQ(dco_control_peer_new(p, &req, 0), 0);
    CHECK(dco_peers_by_remote(p, &none) == NULL);
    CHECK(!seen(dco_peers_by_id(p, 1), path4(5, 5), SECOND));
    dco_peer_path(dco_peers_by_id(p, 1), &now);
    CHECK(now.remote.ip.family == 0);
    CHECK(at(5, 5) == NULL);
    CHECK(!seen(dco_peers_by_id(p, 1), req.path, SECOND));
    end();
}

/* Whoever moves to an address in use waits until the others have left. */
TEST("float: to an address in use")
{
    struct dco_peer *a, *b;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    b = add(2, 0);
    CHECK(seen(b, path4(1, 1000), SECOND));
    CHECK(at(1, 1000) == a);
    CHECK(at(2, 1000) == NULL);
    CHECK(seen(a, path4(9, 9), SECOND));
    CHECK(at(1, 1000) == b);
    CHECK(at(9, 9) == a);
    CHECK(seen(a, path4(1, 1000), 2 * SECOND));
    CHECK(at(1, 1000) == b);
    CHECK_EQ(dco_control_peer_del(p, 2, DCO_DEL_USERSPACE), 0);
    CHECK(at(1, 1000) == a);
    end();
}

/* A new session is where openvpn says it is. */
TEST("float: new peer at an address in use")
{
    struct dco_peer_new req = request(2);
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    req.path = path4(1, 1000);
    CHECK_EQ(dco_control_peer_new(p, &req, 0), 0);
    CHECK(at(1, 1000) == dco_peers_by_id(p, 2));
    CHECK_EQ(dco_control_peer_del(p, 2, DCO_DEL_USERSPACE), 0);
    CHECK(at(1, 1000) == a);
    end();
}

TEST("float: removed peers stay out of the tables")
{
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    CHECK(dco_peer_get(a));
    CHECK_EQ(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    CHECK(!seen(a, path4(50, 5), SECOND));
    CHECK(at(50, 5) == NULL); /* no way back into a table */
    check_event(DCO_EVENT_DEL, 1);
    CHECK_EQ(take().kind, 0);
    dco_peer_put(a);
    end();
}

TEST("float: without memory the next packet tries again")
{
    struct dco_peer *a;
    unsigned refused = 0, floated = 0;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    for (uint32_t i = 0; i < 200; i++) {
        platform.fail_in = 0;
        if (seen(a, path4(1000 + i, 1), (i + 1) * SECOND)) {
            floated++;
        } else {
            refused++;
            platform.fail_in = -1;
            CHECK(seen(a, path4(1000 + i, 1), (i + 1) * SECOND)); /* the next packet */
        }
        CHECK(at(1000 + i, 1) == a);
        CHECK(at(999 + i, 1) == NULL);
    }
    platform.fail_in = -1;
    CHECK(refused > 0 && floated > refused);
    end();
}

/* A packet of the key came and is new. */
static bool
may_move(struct dco_peer *peer, struct dco_key *key, uint32_t id)
{
    enum dco_drop verdict = DCO_DROP_NONE;
    bool may = dco_peer_accept(peer, key, &id, &verdict, 1, SECOND) == 0;

    CHECK_EQ(verdict, DCO_DROP_NONE);
    return may;
}

TEST("float: late packets do not move a peer")
{
    struct dco_peer *a;
    struct dco_key *key;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    key = dco_peer_key_rx(a, 0);
    CHECK(may_move(a, key, 10));
    CHECK(!may_move(a, key, 9));
    CHECK(may_move(a, key, 11));
    CHECK(may_move(a, key, 5000));
    CHECK(!may_move(a, key, 4999));
    end();
}

/* Somebody may have withheld a packet of the key before, with the highest id that it ever had. */
TEST("float: nor do those of a key that it has left")
{
    struct dco_key *first, *second, *third;
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    first = dco_peer_key_rx(a, 0);
    CHECK(may_move(a, first, 1));
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_SECONDARY, 1, 2, 0), 0);
    second = dco_peer_key_rx(a, 1);
    CHECK(may_move(a, first, 2)); /* openvpn goes on using it for a minute */
    CHECK(may_move(a, second, 1));
    CHECK(!may_move(a, first, 3)); /* the peer has left it behind */
    CHECK_EQ(dco_control_key_swap(p, 1), 0);
    CHECK(!may_move(a, first, 4));
    CHECK(may_move(a, second, 2));
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_SECONDARY, 2, 3, 0), 0);
    third = dco_peer_key_rx(a, 2);
    CHECK(may_move(a, second, 3));
    CHECK(may_move(a, third, 1));
    CHECK_EQ(dco_control_key_del(p, 1, DCO_SLOT_SECONDARY, 0), 0);
    CHECK(!may_move(a, second, 4)); /* whatever became of the newer one */
    end();
}

/* Keys of one peer only: another peer's newer key says nothing about this one. */
TEST("float: each peer has its own newest key")
{
    struct dco_peer *a, *b;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    b = add(2, 0);
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    CHECK_EQ(key_install(&platform, p, 2, DCO_SLOT_PRIMARY, 0, 2, 0), 0);
    CHECK(may_move(b, dco_peer_key_rx(b, 0), 1));
    CHECK(may_move(a, dco_peer_key_rx(a, 0), 1));
    end();
}
