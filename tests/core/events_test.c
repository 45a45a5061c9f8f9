/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

static void
order_within_a_peer(void)
{
    struct dco_peer *a;
    struct dco_event event;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    check_equal(key_install(&home, p, 1, DCO_SLOT_PRIMARY, 3, 1, 0), 0);
    dco_peers_want_key(p, a);
    check_equal(take().kind, 0); /* nobody asked for it */
    dco_store(&dco_peer_key_tx(a)->wanted, 1);
    dco_peers_want_key(p, a);
    dco_peers_want_key(p, a);
    check(seen(a, path4(50, 5), SECOND));
    dco_peer_count(a, DCO_VPN_RX, 0, 77);
    check_equal(dco_control_peer_del(p, 1, DCO_DEL_TRANSPORT_ERROR), 0);
    dco_peers_want_key(p, a); /* removed: it has no key, and nothing happens */
    check_equal(home.wakes, 1);
    check(taken(DCO_EVENT_FLOAT, 1));
    event = take();
    check(event.kind == DCO_EVENT_KEY_WANTED && event.key_id == 3);
    event = take();
    check(event.kind == DCO_EVENT_DEL && event.del_reason == DCO_DEL_TRANSPORT_ERROR);
    check_equal((long long)event.stats.vpn_rx_bytes, 77);
    check_equal(take().kind, 0);
    end();
}

static void
order_among_peers(void)
{
    begin(DCO_MODE_MP);
    for (uint32_t n = 1; n <= 5; n++)
        add(n, 0);
    check_equal(dco_control_peer_del(p, 3, DCO_DEL_USERSPACE), 0);
    check(seen(dco_peers_by_id(p, 5), path4(50, 5), SECOND));
    check_equal(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    check_equal(dco_control_peer_del(p, 5, DCO_DEL_USERSPACE), 0);
    check_equal(home.wakes, 1);
    check(taken(DCO_EVENT_DEL, 3));
    check(taken(DCO_EVENT_FLOAT, 5));
    check(taken(DCO_EVENT_DEL, 5));
    check(taken(DCO_EVENT_DEL, 1));
    check_equal(take().kind, 0);
    check_equal(dco_control_peer_del(p, 2, DCO_DEL_USERSPACE), 0);
    check_equal(home.wakes, 2); /* the queue was empty again */
    end();
}

/* The wish is repeated, more urgently, when the key encrypts nothing any more. */
static void
key_spent(void)
{
    struct dco_key *key;
    struct dco_event event;
    uint32_t first;
    bool want;

    begin(DCO_MODE_MP);
    add(1, 0);
    check_equal(key_install(&home, p, 1, DCO_SLOT_PRIMARY, 5, 1, 0), 0);
    key = dco_peer_key_tx(dco_peers_by_id(p, 1));
    key->tx_next = DCO_PACKET_ID_SOFT;
    check_equal(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_NONE);
    check(want);
    dco_peers_want_key(p, dco_peers_by_id(p, 1));
    event = take();
    check(event.kind == DCO_EVENT_KEY_WANTED && event.key_id == 5 && !event.key_spent);
    key->tx_next = DCO_PACKET_ID_MAX + 1;
    check_equal(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    check(want);
    dco_peers_want_key(p, dco_peers_by_id(p, 1));
    event = take();
    check(event.kind == DCO_EVENT_KEY_WANTED && event.key_spent);
    check_equal(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    check(!want);
    end();
}

/* A swap between the request and the event: a new key is there, none is wanted. */
static void
key_wanted_of_a_replaced_key(void)
{
    struct dco_peer *a;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    check_equal(key_install(&home, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    check_equal(key_install(&home, p, 1, DCO_SLOT_SECONDARY, 1, 2, 0), 0);
    dco_store(&dco_peer_key_tx(a)->wanted, 1);
    check_equal(dco_control_key_swap(p, 1), 0);
    dco_peers_want_key(p, a);
    check_equal(take().kind, 0);
    end();
}

/* openvpn sleeps while everybody leaves: nothing is lost and memory is bounded by the peers. */
static void
ten_thousand_leave(void)
{
    const uint32_t many = 10000;
    uint8_t *gone = calloc(many + 1, 1);
    uint64_t next;
    struct dco_event event;

    begin(DCO_MODE_MP);
    for (uint32_t n = 1; n <= many; n++) {
        add(n, 0);
        check_equal(dco_control_peer_set(p, n, 0, 60, 0), 0);
    }
    check_equal(p->count, many);
    tick(60 * SECOND, &next);
    check_equal(p->count, 0);
    check_equal(home.wakes, 1);
    while (dco_event_take(p, &event))
        gone[event.peer_id] += event.kind == DCO_EVENT_DEL && event.del_reason == DCO_DEL_EXPIRED;
    for (uint32_t n = 1; n <= many; n++)
        check_equal(gone[n], 1);
    free(gone);
    end();
}

static const struct test tests[] = {
    {"events: order within a peer", order_within_a_peer},
    {"events: order among peers", order_among_peers},
    {"events: a spent key", key_spent},
    {"events: no wish for a key that was replaced", key_wanted_of_a_replaced_key},
    {"events: ten thousand peers leave unread", ten_thousand_leave},
};
HARNESS_MAIN(tests)
