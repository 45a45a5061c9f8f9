/* SPDX-License-Identifier: BSD-2-Clause */
/* Scenarios of the simulated network: see sim.h. */
#include "sim.h"

#include "peer_private.h"

/* Nothing but delay, reordering and rekeying: everything arrives, each once. */
TEST("sim: delay and rekeying lose nothing")
{
    for (unsigned round = 0; round < test_rounds(3); round++) {
        sim_begin(0, 0, round, false);
        for (unsigned i = 0; i < 3000; i++)
            sim_step(false);
        sim_settle();
        CHECK_EQ(sim_fates(LOST), 0);
        CHECK_EQ(sim_fates(DELIVERED) + sim_fates(REFUSED), sim->serials);
        CHECK(sim_fates(DELIVERED) > 5000 && sim_fates(REFUSED) > 20);
        CHECK(sim->keys > 20);
        for (unsigned i = 0; i < DCO_DROP_COUNT; i++)
            CHECK(i == DCO_DROP_RX_SOURCE || sim_drops((enum dco_drop)i) == 0);
        CHECK_EQ((long long)sim_drops(DCO_DROP_RX_SOURCE), sim_fates(REFUSED));
        sim_end();
    }
}

/* Keys that reach their limits ask for others in time. */
TEST("sim: keys wear out")
{
    for (unsigned round = 0; round < test_rounds(3); round++) {
        sim_begin(0, 0, round, true);
        for (unsigned i = 0; i < 5000; i++)
            sim_step(false);
        sim_settle();
        CHECK(sim->keys > CLIENTS + 20);
        CHECK_EQ(sim_fates(LOST), 0);
        CHECK_EQ((long long)sim_drops(DCO_DROP_TX_KEY_LIMIT), 0);
        sim_end();
    }
}

/* A bad network and an attacker beside it. */
TEST("sim: loss, duplicates, forgeries, replays")
{
    for (unsigned round = 0; round < test_rounds(3); round++) {
        sim_begin(10, 10, round, false);
        for (unsigned i = 0; i < 4000; i++) {
            sim_step(false);
            CHECK(sim_nobody_at_the_attacker());
        }
        sim_settle();
        CHECK(sim_fates(LOST) < sim->serials / 7);
        CHECK(sim_drops(DCO_DROP_RX_REPLAY) > 100);
        CHECK(sim_drops(DCO_DROP_RX_AUTH) > 10);
        for (unsigned i = 0; i < NODES; i++)
            CHECK_EQ(sim->node[i].expired, 0); /* idle pairs live on keepalives */
        CHECK(sim->keepalives > 0);
        CHECK_EQ(sim->floats, 0);
        sim_end();
    }
}

TEST("sim: clients move")
{
    for (unsigned round = 0; round < test_rounds(3); round++) {
        sim_begin(5, 5, round, false);
        for (unsigned i = 0; i < 4000; i++) {
            sim_step(false);
            if (rng_chance(&sim->rng, 1))
                sim_move(1 + rng_below(&sim->rng, CLIENTS));
            CHECK(sim_nobody_at_the_attacker());
        }
        sim_settle();
        CHECK(sim->floats > 10);
        for (uint32_t c = 1; c < NODES; c++) { /* the server knows where everybody is now */
            struct dco_peer *peer = dco_peers_by_id(sim->node[0].p, sim->peer_id[c]);

            CHECK(peer != NULL);
            CHECK(dco_peers_by_remote(sim->node[0].p, &sim->node[c].self) == peer);
        }
        sim_end();
    }
}

/* Clients die without a word and come back; the server notices in time, or is told. */
TEST("sim: clients die and return")
{
    for (unsigned round = 0; round < test_rounds(3); round++) {
        uint64_t back[NODES] = {0};
        uint32_t before;

        sim_begin(5, 5, round, false);
        for (unsigned i = 0; i < 20000; i++) {
            uint32_t c = 1 + rng_below(&sim->rng, CLIENTS);

            sim_step(false);
            if (!sim->node[c].down && rng_below(&sim->rng, 1000) == 0) {
                sim->node[c].down = true;
                back[c] = sim_within(sim->now, 60 * SECOND);
            } else if (sim->node[c].down && sim->now >= back[c]) {
                sim->node[c].down = false;
                sim_move(c);
                sim_start_session(c);
            }
        }
        for (uint32_t c = 1; c < NODES; c++) {
            if (sim->node[c].down) {
                sim->node[c].down = false;
                sim_start_session(c);
            }
        }
        CHECK(sim->node[0].expired > 0);
        sim_settle();
        for (uint32_t id = 1; id <= sim->peers * 7; id += 7) { /* nobody is left behind */
            struct dco_peer *peer = dco_peers_by_id(sim->node[0].p, id);

            CHECK(peer == NULL ||
                  sim->now < dco_load(&peer->last_rx_ns) + (TIMEOUT_S + 2) * SECOND ||
                  sim->now < peer->timers_ns + (TIMEOUT_S + 2) * SECOND);
        }
        CHECK_EQ(sim->node[0].deleted + dco_peers_count(sim->node[0].p), sim->peers);
        before = sim_fates(DELIVERED);
        sim->loss = 0;
        for (uint32_t c = 1; c < NODES; c++) {
            sim_talk(c, 0, c);
            sim_talk(0, c, 0);
        }
        sim_settle();
        CHECK_EQ(sim_fates(DELIVERED), before + 2 * CLIENTS);
        sim_end();
    }
}
