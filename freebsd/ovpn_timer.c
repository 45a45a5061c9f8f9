/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_timer.h"

#include <sys/time.h>

#include "../core/timers.h"
#include "ovpn_clock.h"
#include "ovpn_output.h"

#define BATCH        32
#define PAUSE_MIN_NS 100000000ULL /* so that peers due close together share one run */
#define PAUSE_MAX_NS 3600000000000ULL

static void
schedule(struct ovpn_softc *sc, uint64_t now_ns, uint64_t next_ns)
{
    uint64_t wait;

    if (next_ns == UINT64_MAX || dco_load(&sc->dying) != 0)
        return;
    wait = next_ns > now_ns ? next_ns - now_ns : 0;
    wait = MIN(MAX(wait, PAUSE_MIN_NS), PAUSE_MAX_NS);
    taskqueue_enqueue_timeout_sbt(taskqueue_thread, &sc->tick, nstosbt(wait), 0, 0);
}

static uint64_t
serve(struct ovpn_softc *sc, struct dco_peers *set, uint64_t now_ns)
{
    struct dco_peer *due[BATCH];
    uint64_t next_ns;
    unsigned n;

    do {
        n = dco_peers_tick(set, now_ns, due, BATCH, &next_ns);
        for (unsigned i = 0; i < n; i++) {
            ovpn_send_keepalive(sc, due[i]);
            dco_peer_put(due[i]);
        }
    } while (n == BATCH);
    return next_ns;
}

static void
run_timers(void *arg, int pending __unused)
{
    struct ovpn_softc *sc = arg;
    struct dco_peers *set = dco_load_acquire(&sc->active);
    struct epoch_tracker et;
    uint64_t now_ns = ovpn_now_ns();
    uint64_t next_ns;

    if (set == NULL)
        return;
    CURVNET_SET(sc->ifp->if_vnet);
    NET_EPOCH_ENTER(et);
    next_ns = serve(sc, set, now_ns);
    NET_EPOCH_EXIT(et);
    CURVNET_RESTORE();
    schedule(sc, now_ns, next_ns);
}

void
ovpn_timer_init(struct ovpn_softc *sc)
{
    TIMEOUT_TASK_INIT(taskqueue_thread, &sc->tick, 0, run_timers, sc);
}

void
ovpn_timer_kick(struct ovpn_softc *sc)
{
    if (dco_load(&sc->dying) == 0)
        taskqueue_enqueue_timeout_sbt(taskqueue_thread, &sc->tick, 0, 0, 0);
}

void
ovpn_timer_drain(struct ovpn_softc *sc)
{
    dco_store(&sc->dying, 1);
    while (taskqueue_cancel_timeout(taskqueue_thread, &sc->tick, NULL) != 0)
        taskqueue_drain_timeout(taskqueue_thread, &sc->tick);
    taskqueue_drain_timeout(taskqueue_thread, &sc->tick);
}
