/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

static void
timers_off(void)
{
    uint64_t next;

    begin(DCO_MODE_MP);
    add(1, 0);
    check_equal(key_install(&home, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    check_equal(tick(1000000 * SECOND, &next), 0);
    check(next == UINT64_MAX);
    check(dco_peers_by_id(p, 1) != NULL);
    end();
}

static void
expires(void)
{
    struct dco_peer *a;
    uint64_t next;

    begin(DCO_MODE_MP);
    a = add(1, 5 * SECOND);
    check_equal(dco_control_peer_set(p, 1, 0, 60, 10 * SECOND), 0);
    tick(20 * SECOND, &next);
    check(next == 70 * SECOND);
    dco_store(&a->last_rx_ns, 30 * SECOND);
    tick(70 * SECOND, &next);
    check(next == 90 * SECOND);
    tick(90 * SECOND - 1, &next);
    check(dco_peers_by_id(p, 1) == a);
    tick(90 * SECOND, &next);
    check(dco_peers_by_id(p, 1) == NULL);
    check(next == UINT64_MAX);
    {
        struct dco_event event = take();

        check_equal(event.kind, DCO_EVENT_DEL);
        check_equal(event.del_reason, DCO_DEL_EXPIRED);
    }
    end();
}

/* The clock of a worker may be read a moment after the one of the caller. */
static void
traffic_from_the_future(void)
{
    struct dco_peer *a;
    uint64_t next;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    check_equal(dco_control_peer_set(p, 1, 1, 1, SECOND), 0);
    dco_store(&a->last_rx_ns, 5 * SECOND);
    dco_store(&a->last_tx_ns, 5 * SECOND);
    check_equal(key_install(&home, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    check_equal(tick(4 * SECOND, &next), 0);
    check(next == 6 * SECOND);
    check(dco_peers_by_id(p, 1) == a);
    end();
}

static void
keepalive(void)
{
    struct dco_peer *a;
    uint64_t next;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    check_equal(dco_control_peer_set(p, 1, 10, 0, 0), 0);
    check_equal(tick(100 * SECOND, &next), 0); /* no key: nothing could be sent */
    check_equal(key_install(&home, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    check_equal(tick(100 * SECOND, &next), 1);
    check(next == 110 * SECOND);
    check_equal(tick(100 * SECOND, &next), 0);
    dco_store(&a->last_tx_ns, 105 * SECOND);
    check_equal(tick(110 * SECOND, &next), 0);
    check(next == 115 * SECOND);
    check_equal(tick(115 * SECOND - 1, &next), 0);
    check_equal(tick(115 * SECOND, &next), 1);
    check_equal(dco_control_peer_set(p, 1, 10, 0, 120 * SECOND), 0); /* starts anew */
    check_equal(tick(125 * SECOND, &next), 0);
    check_equal(tick(130 * SECOND, &next), 1);
    check_equal(dco_control_peer_set(p, 1, 0, UINT32_MAX, 130 * SECOND), 0);
    check_equal(tick(1000 * SECOND, &next), 0);
    end();
}

static void
keepalives_of_many(void)
{
    struct dco_peer *due[4];
    uint64_t next;
    unsigned seen_id[11] = {0}, n, calls = 0;

    begin(DCO_MODE_MP);
    for (uint32_t i = 1; i <= 10; i++) {
        add(i, 0);
        check_equal(key_install(&home, p, i, DCO_SLOT_PRIMARY, 0, i, 0), 0);
        check_equal(dco_control_peer_set(p, i, 10, 0, 0), 0);
    }
    do {
        n = dco_peers_tick(p, 10 * SECOND, due, 4, &next);
        for (unsigned i = 0; i < n; i++) {
            seen_id[due[i]->id]++;
            dco_peer_put(due[i]);
        }
        calls++;
    } while (n == 4);
    check_equal(calls, 3);
    for (uint32_t i = 1; i <= 10; i++)
        check_equal(seen_id[i], 1);
    check(next == 20 * SECOND);
    end();
}

/* A thousand deadlines a millisecond apart: ten looks per second, each at most a grain late. */
static void
dense_deadlines(void)
{
    uint64_t next = 0, now;
    unsigned total = 0, looks = 0;

    begin(DCO_MODE_MP);
    for (uint32_t n = 1; n <= 1000; n++) {
        add(n, 0);
        check_equal(key_install(&home, p, n, DCO_SLOT_PRIMARY, 0, n, 0), 0);
        check_equal(dco_control_peer_set(p, n, 10, 0, n * MS), 0);
    }
    for (now = 10 * SECOND; now < 11 * SECOND + DCO_TIMER_GRAIN_NS; now += MS) {
        looks += now >= p->tick_ns;
        total += tick(now, &next);
        check(total + 100 >= (now - 10 * SECOND) / MS);
    }
    check_equal(total, 1000);
    check(looks <= 12);
    end();
}

/* A command brings the next look forward, to exactly when it is due. */
static void
commands_bring_timers_forward(void)
{
    uint64_t next;

    begin(DCO_MODE_MP);
    add(1, 0);
    check_equal(dco_control_peer_set(p, 1, 0, 100, 0), 0);
    check_equal(tick(SECOND, &next), 0);
    check(next == 100 * SECOND);
    check_equal(dco_control_peer_set(p, 1, 5, 100, SECOND), 0);
    check_equal(tick(2 * SECOND, &next), 0);
    check(next == 100 * SECOND); /* no key yet, and no harm in a look too early */
    check_equal(key_install(&home, p, 1, DCO_SLOT_SECONDARY, 0, 1, 0), 0);
    check_equal(tick(7 * SECOND, &next), 0);
    check(next == 100 * SECOND);
    check_equal(dco_control_key_swap(p, 1), 0);
    check_equal(tick(7 * SECOND, &next), 1);
    check(next == 12 * SECOND);
    check_equal(dco_control_peer_set(p, 1, 1, 100, 8 * SECOND), 0);
    check_equal(tick(9 * SECOND - 1, &next), 0);
    check(next == 9 * SECOND);
    check_equal(tick(9 * SECOND, &next), 1);
    end();
}

static void
largest_timers(void)
{
    uint64_t next;

    begin(DCO_MODE_MP);
    add(1, 0);
    check_equal(dco_control_peer_set(p, 1, UINT32_MAX - 1, UINT32_MAX - 1, 1000 * SECOND), 0);
    check_equal(tick(1ULL << 62, &next), 0);
    check(dco_peers_by_id(p, 1) == NULL || next > 1ULL << 61);
    end();
}

static const struct test tests[] = {
    {"timers: off", timers_off},
    {"timers: expiry", expires},
    {"timers: time stamps ahead of the caller's clock", traffic_from_the_future},
    {"timers: keepalive", keepalive},
    {"timers: keepalives of many peers", keepalives_of_many},
    {"timers: a thousand deadlines close together", dense_deadlines},
    {"timers: commands bring them forward", commands_bring_timers_forward},
    {"timers: the largest values", largest_timers},
};
HARNESS_MAIN(tests)
