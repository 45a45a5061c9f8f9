/* SPDX-License-Identifier: BSD-2-Clause */
/* Scenarios of the simulated network: see sim.h. */
#include "sim.h"

#include "peer_private.h"

/* Nothing but delay, reordering and rekeying: everything arrives, each once. */
static void
nothing_is_lost(void)
{
    for (unsigned round = 0; round < harness_rounds(3); round++) {
        sim_begin(0, 0, round, false);
        for (unsigned i = 0; i < 3000; i++)
            sim_step(false);
        sim_settle();
        check_equal(sim_fates(LOST), 0);
        check_equal(sim_fates(DELIVERED) + sim_fates(REFUSED), sim->serials);
        check(sim_fates(DELIVERED) > 5000 && sim_fates(REFUSED) > 20);
        check(sim->keys > 20);
        for (unsigned i = 0; i < DCO_DROP_COUNT; i++)
            check(i == DCO_DROP_RX_SOURCE || sim_drops((enum dco_drop)i) == 0);
        check_equal((long long)sim_drops(DCO_DROP_RX_SOURCE), sim_fates(REFUSED));
        sim_end();
    }
}

/* Keys that reach their limits ask for others in time. */
static void
keys_wear_out(void)
{
    for (unsigned round = 0; round < harness_rounds(3); round++) {
        sim_begin(0, 0, round, true);
        for (unsigned i = 0; i < 5000; i++)
            sim_step(false);
        sim_settle();
        check(sim->keys > CLIENTS + 20);
        check_equal(sim_fates(LOST), 0);
        check_equal((long long)sim_drops(DCO_DROP_TX_KEY_LIMIT), 0);
        sim_end();
    }
}

/* A bad network and an attacker beside it. */
static void
loss_and_attack(void)
{
    for (unsigned round = 0; round < harness_rounds(3); round++) {
        sim_begin(10, 10, round, false);
        for (unsigned i = 0; i < 4000; i++) {
            sim_step(false);
            check(sim_nobody_at_the_attacker());
        }
        sim_settle();
        check(sim_fates(LOST) < sim->serials / 7);
        check(sim_drops(DCO_DROP_RX_REPLAY) > 100);
        check(sim_drops(DCO_DROP_RX_AUTH) > 10);
        for (unsigned i = 0; i < NODES; i++)
            check_equal(sim->node[i].expired, 0); /* idle pairs live on keepalives */
        check(sim->keepalives > 0);
        check_equal(sim->floats, 0);
        sim_end();
    }
}

static void
clients_move(void)
{
    for (unsigned round = 0; round < harness_rounds(3); round++) {
        sim_begin(5, 5, round, false);
        for (unsigned i = 0; i < 4000; i++) {
            sim_step(false);
            if (rng_chance(&sim->rng, 1))
                sim_move(1 + rng_below(&sim->rng, CLIENTS));
            check(sim_nobody_at_the_attacker());
        }
        sim_settle();
        check(sim->floats > 10);
        for (uint32_t c = 1; c < NODES; c++) { /* the server knows where everybody is now */
            struct dco_peer *peer = dco_peers_by_id(sim->node[0].p, sim->peer_id[c]);

            if (check(peer != NULL))
                check(dco_peers_by_remote(sim->node[0].p, &sim->node[c].self) == peer);
        }
        sim_end();
    }
}

/* Clients die without a word and come back; the server notices in time, or is told. */
static void
clients_die(void)
{
    for (unsigned round = 0; round < harness_rounds(3); round++) {
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
        check(sim->node[0].expired > 0);
        sim_settle();
        for (uint32_t id = 1; id <= sim->peers * 7; id += 7) { /* nobody is left behind */
            struct dco_peer *peer = dco_peers_by_id(sim->node[0].p, id);

            check(peer == NULL ||
                  sim->now < dco_load(&peer->last_rx_ns) + (TIMEOUT_S + 2) * SECOND ||
                  sim->now < peer->timers_ns + (TIMEOUT_S + 2) * SECOND);
        }
        check_equal(sim->node[0].deleted + dco_peers_count(sim->node[0].p), sim->peers);
        before = sim_fates(DELIVERED);
        sim->loss = 0;
        for (uint32_t c = 1; c < NODES; c++) {
            sim_talk(c, 0, c);
            sim_talk(0, c, 0);
        }
        sim_settle();
        check_equal(sim_fates(DELIVERED), before + 2 * CLIENTS);
        sim_end();
    }
}

static const struct test tests[] = {
    {"sim: delay and rekeying lose nothing", nothing_is_lost},
    {"sim: keys wear out", keys_wear_out},
    {"sim: loss, duplicates, forgeries, replays", loss_and_attack},
    {"sim: clients move", clients_move},
    {"sim: clients die and return", clients_die},
};
HARNESS_MAIN(tests)
