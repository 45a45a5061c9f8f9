/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

TEST("timers: off")
{
    uint64_t next;

    begin(DCO_MODE_MP);
    add(1, 0);
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    CHECK_EQ(tick(1000000 * SECOND, &next), 0);
    CHECK(next == UINT64_MAX);
    CHECK(dco_peers_by_id(p, 1) != NULL);
    end();
}

TEST("timers: expiry")
{
    struct dco_peer *a;
    uint64_t next;

    begin(DCO_MODE_MP);
    a = add(1, 5 * SECOND);
    CHECK_EQ(dco_control_peer_set(p, 1, 0, 60, 10 * SECOND), 0);
    tick(20 * SECOND, &next);
    CHECK(next == 70 * SECOND);
    dco_store(&a->last_rx_ns, 30 * SECOND);
    tick(70 * SECOND, &next);
    CHECK(next == 90 * SECOND);
    tick(90 * SECOND - 1, &next);
    CHECK(dco_peers_by_id(p, 1) == a);
    tick(90 * SECOND, &next);
    CHECK(dco_peers_by_id(p, 1) == NULL);
    CHECK(next == UINT64_MAX);
    {
        struct dco_event event = take();

        CHECK_EQ(event.kind, DCO_EVENT_DEL);
        CHECK_EQ(event.del_reason, DCO_DEL_EXPIRED);
    }
    end();
}

/* The clock of a worker may be read a moment after the one of the caller. */
TEST("timers: time stamps ahead of the caller's clock")
{
    struct dco_peer *a;
    uint64_t next;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    CHECK_EQ(dco_control_peer_set(p, 1, 1, 1, SECOND), 0);
    dco_store(&a->last_rx_ns, 5 * SECOND);
    dco_store(&a->last_tx_ns, 5 * SECOND);
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    CHECK_EQ(tick(4 * SECOND, &next), 0);
    CHECK(next == 6 * SECOND);
    CHECK(dco_peers_by_id(p, 1) == a);
    end();
}

TEST("timers: keepalive")
{
    struct dco_peer *a;
    uint64_t next;

    begin(DCO_MODE_MP);
    a = add(1, 0);
    CHECK_EQ(dco_control_peer_set(p, 1, 10, 0, 0), 0);
    CHECK_EQ(tick(100 * SECOND, &next), 0); /* no key: nothing could be sent */
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_PRIMARY, 0, 1, 0), 0);
    CHECK_EQ(tick(100 * SECOND, &next), 1);
    CHECK(next == 110 * SECOND);
    CHECK_EQ(tick(100 * SECOND, &next), 0);
    dco_store(&a->last_tx_ns, 105 * SECOND);
    CHECK_EQ(tick(110 * SECOND, &next), 0);
    CHECK(next == 115 * SECOND);
    CHECK_EQ(tick(115 * SECOND - 1, &next), 0);
    CHECK_EQ(tick(115 * SECOND, &next), 1);
    CHECK_EQ(dco_control_peer_set(p, 1, 10, 0, 120 * SECOND), 0); /* starts anew */
    CHECK_EQ(tick(125 * SECOND, &next), 0);
    CHECK_EQ(tick(130 * SECOND, &next), 1);
    CHECK_EQ(dco_control_peer_set(p, 1, 0, UINT32_MAX, 130 * SECOND), 0);
    CHECK_EQ(tick(1000 * SECOND, &next), 0);
    end();
}

TEST("timers: keepalives of many peers")
{
    struct dco_peer *due[4];
    uint64_t next;
    unsigned seen_id[11] = {0}, n, calls = 0;

    begin(DCO_MODE_MP);
    for (uint32_t i = 1; i <= 10; i++) {
        add(i, 0);
        CHECK_EQ(key_install(&platform, p, i, DCO_SLOT_PRIMARY, 0, i, 0), 0);
        CHECK_EQ(dco_control_peer_set(p, i, 10, 0, 0), 0);
    }
    do {
        n = dco_peers_tick(p, 10 * SECOND, due, 4, &next);
        for (unsigned i = 0; i < n; i++) {
            seen_id[due[i]->id]++;
            dco_peer_put(due[i]);
        }
        calls++;
    } while (n == 4);
    CHECK_EQ(calls, 3);
    for (uint32_t i = 1; i <= 10; i++)
        CHECK_EQ(seen_id[i], 1);
    CHECK(next == 20 * SECOND);
    end();
}

/* A thousand deadlines a millisecond apart: ten looks per second, each at most a grain late. */
TEST("timers: a thousand deadlines close together")
{
    uint64_t next = 0, now;
    unsigned total = 0, looks = 0;

    begin(DCO_MODE_MP);
    for (uint32_t n = 1; n <= 1000; n++) {
        add(n, 0);
        CHECK_EQ(key_install(&platform, p, n, DCO_SLOT_PRIMARY, 0, n, 0), 0);
        CHECK_EQ(dco_control_peer_set(p, n, 10, 0, n * MS), 0);
    }
    for (now = 10 * SECOND; now < 11 * SECOND + DCO_TIMER_GRAIN_NS; now += MS) {
        looks += now >= p->tick_ns;
        total += tick(now, &next);
        CHECK(total + 100 >= (now - 10 * SECOND) / MS);
    }
    CHECK_EQ(total, 1000);
    CHECK(looks <= 12);
    end();
}

/* A command brings the next look forward, to exactly when it is due. */
TEST("timers: commands bring them forward")
{
    uint64_t next;

    begin(DCO_MODE_MP);
    add(1, 0);
    CHECK_EQ(dco_control_peer_set(p, 1, 0, 100, 0), 0);
    CHECK_EQ(tick(SECOND, &next), 0);
    CHECK(next == 100 * SECOND);
    CHECK_EQ(dco_control_peer_set(p, 1, 5, 100, SECOND), 0);
    CHECK_EQ(tick(2 * SECOND, &next), 0);
    CHECK(next == 100 * SECOND); /* no key yet, and no harm in a look too early */
    CHECK_EQ(key_install(&platform, p, 1, DCO_SLOT_SECONDARY, 0, 1, 0), 0);
    CHECK_EQ(tick(7 * SECOND, &next), 0);
    CHECK(next == 100 * SECOND);
    CHECK_EQ(dco_control_key_swap(p, 1), 0);
    CHECK_EQ(tick(7 * SECOND, &next), 1);
    CHECK(next == 12 * SECOND);
    CHECK_EQ(dco_control_peer_set(p, 1, 1, 100, 8 * SECOND), 0);
    CHECK_EQ(tick(9 * SECOND - 1, &next), 0);
    CHECK(next == 9 * SECOND);
    CHECK_EQ(tick(9 * SECOND, &next), 1);
    end();
}

TEST("timers: the largest values")
{
    uint64_t next;

    begin(DCO_MODE_MP);
    add(1, 0);
    CHECK_EQ(dco_control_peer_set(p, 1, UINT32_MAX - 1, UINT32_MAX - 1, 1000 * SECOND), 0);
    CHECK_EQ(tick(1ULL << 62, &next), 0);
    CHECK(dco_peers_by_id(p, 1) == NULL || next > 1ULL << 61);
    end();
}
