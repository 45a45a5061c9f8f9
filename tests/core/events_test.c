/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

TEST("events: order within a peer")
{
    struct dco_peer *a;
    struct dco_event event;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_PRIMARY, 3, 1, 0), 0);
    dco_peers_want_key(p, a);
    CHECK_EQ(take().kind, 0); /* nobody asked for it */
    dco_store(&dco_peer_key_tx(a)->wanted, 1);
    dco_peers_want_key(p, a);
    dco_peers_want_key(p, a);
    CHECK(seen(a, path4(50, 5), SECOND));
    dco_peer_count(a, DCO_VPN_RX, 0, 77);
    CHECK_EQ(dco_control_peer_del(p, 1, DCO_DEL_TRANSPORT_ERROR), 0);
    dco_peers_want_key(p, a); /* removed: it has no key, and nothing happens */
    CHECK_EQ(platform.wakes, 1);
    check_event(DCO_EVENT_FLOAT, 1);
    event = take();
    CHECK(event.kind == DCO_EVENT_KEY_WANTED && event.key_id == 3);
    event = take();
    CHECK(event.kind == DCO_EVENT_DEL && event.del_reason == DCO_DEL_TRANSPORT_ERROR);
    CHECK_EQ((long long)event.stats.vpn_rx_bytes, 77);
    CHECK_EQ(take().kind, 0);
    end();
}

TEST("events: order among peers")
{
    begin(DCO_MODE_MP);
    for (uint32_t n = 1; n <= 5; n++)
        add(n, 0);
    CHECK_EQ(dco_control_peer_del(p, 3, DCO_DEL_USERSPACE), 0);
    CHECK(seen(dco_peers_by_id(p, 5), path4(50, 5), SECOND));
    CHECK_EQ(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    CHECK_EQ(dco_control_peer_del(p, 5, DCO_DEL_USERSPACE), 0);
    CHECK_EQ(platform.wakes, 1);
    check_event(DCO_EVENT_DEL, 3);
    check_event(DCO_EVENT_FLOAT, 5);
    check_event(DCO_EVENT_DEL, 5);
    check_event(DCO_EVENT_DEL, 1);
    CHECK_EQ(take().kind, 0);
    CHECK_EQ(dco_control_peer_del(p, 2, DCO_DEL_USERSPACE), 0);
    CHECK_EQ(platform.wakes, 2); /* the queue was empty again */
    end();
}

/* The wish is repeated, more urgently, when the key encrypts nothing any more. */
TEST("events: a spent key")
{
    struct dco_key *key;
    struct dco_event event;
    uint32_t first;
    bool want;

    begin(DCO_MODE_MP);
    add(1, 0);
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_PRIMARY, 5, 1, 0), 0);
    key = dco_peer_key_tx(dco_peers_by_id(p, 1));
    key->tx_next = DCO_PACKET_ID_SOFT;
    CHECK_EQ(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_NONE);
    CHECK(want);
    dco_peers_want_key(p, dco_peers_by_id(p, 1));
    event = take();
    CHECK(event.kind == DCO_EVENT_KEY_WANTED && event.key_id == 5 && !event.key_spent);
    key->tx_next = DCO_PACKET_ID_MAX + 1;
    CHECK_EQ(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    CHECK(want);
    dco_peers_want_key(p, dco_peers_by_id(p, 1));
    event = take();
    CHECK(event.kind == DCO_EVENT_KEY_WANTED && event.key_spent);
    CHECK_EQ(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    CHECK(!want);
    end();
}

/* A swap between the request and the event: a new key is there, none is wanted. */
TEST("events: no wish for a key that was replaced")
{
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_SECONDARY, 1, 2, 0), 0);
    dco_store(&dco_peer_key_tx(a)->wanted, 1);
    CHECK_EQ(dco_control_key_swap(p, 1), 0);
    dco_peers_want_key(p, a);
    CHECK_EQ(take().kind, 0);
    end();
}

/* openvpn sleeps while everybody leaves: nothing is lost and memory is bounded by the peers. */
TEST("events: ten thousand peers leave unread")
{
    const uint32_t many = 10000;
    uint8_t *gone = calloc(many + 1, 1);
    uint64_t next;
    struct dco_event event;

    begin(DCO_MODE_MP);
    for (uint32_t n = 1; n <= many; n++) {
        add(n, 0);
        CHECK_EQ(dco_control_peer_set(p, n, 0, 60, 0), 0);
    }
    CHECK_EQ(p->count, many);
    tick(60 * SECOND, &next);
    CHECK_EQ(p->count, 0);
    CHECK_EQ(platform.wakes, 1);
    while (dco_event_take(p, &event))
        gone[event.peer_id] += event.kind == DCO_EVENT_DEL && event.del_reason == DCO_DEL_EXPIRED;
    for (uint32_t n = 1; n <= many; n++)
        CHECK_EQ(gone[n], 1);
    free(gone);
    end();
}
