/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_softc.h"

#include <sys/kernel.h>

#include "ovpn_env.h"
#include "ovpn_peer.h"
#include "ovpn_sock.h"
#include "ovpn_timer.h"

MALLOC_DEFINE(M_OVPN, "if_ovpn", "OpenVPN data channel offload");
SDT_PROVIDER_DEFINE(if_ovpn);

struct sx ovpn_sx;
SX_SYSINIT(ovpn_sx, &ovpn_sx, "if_ovpn interfaces");

VNET_DEFINE(struct ovpn_softcs, ovpn_softcs);

/* Interfaces that have ended, but a crypto driver still has jobs of theirs. ovpn_sx. */
static struct ovpn_softcs leaving = LIST_HEAD_INITIALIZER(leaving);

struct ovpn_softc *
ovpn_softc_new(void)
{
    struct ovpn_softc *sc = malloc(sizeof(*sc), M_OVPN, M_WAITOK | M_ZERO);

    sx_init(&sc->ctl, "if_ovpn commands");
    mtx_init(&sc->so_mtx, "if_ovpn socket", NULL, MTX_DEF);
    arc4random_buf(&sc->secret, sizeof(sc->secret));
    ovpn_env_init(sc);
    ovpn_counters_init(&sc->counters);
    ovpn_timer_init(sc);
    return sc;
}

/* Nothing may refer to sc any more. */
static void
softc_free(struct ovpn_softc *sc)
{
    ovpn_env_drain(sc, INT_MAX);
    for (unsigned i = 0; i < nitems(sc->set); i++) {
        if (sc->set[i] != NULL) {
            dco_peers_fini(sc->set[i]);
            zfree(sc->set[i], M_OVPN);
        }
    }
    ovpn_env_drain(sc, INT_MAX);
    ovpn_counters_fini(&sc->counters);
    ovpn_env_fini(sc);
    mtx_destroy(&sc->so_mtx);
    sx_destroy(&sc->ctl);
    zfree(sc, M_OVPN);
}

/* The first epoch ends the readers that still find a peer and make crypto jobs for it; the second
 * those that complete a job and saw the old era. */
void
ovpn_softc_reset(struct ovpn_softc *sc)
{
    sx_xlock(&sc->ctl);
    ovpn_peers_flush(sc);
    (void)ovpn_sock_release(sc);
    sc->vnet = NULL;
    NET_EPOCH_WAIT();
    dco_add(&sc->era, 1);
    NET_EPOCH_WAIT();
    sx_xunlock(&sc->ctl);
}

void
ovpn_softc_enter(struct ovpn_softc *sc, struct vnet *vnet)
{
    sx_xlock(&sc->ctl);
    sc->vnet = vnet;
    sx_xunlock(&sc->ctl);
}

static bool
reap_one(void)
{
    struct ovpn_softc *sc;

    sx_xlock(&ovpn_sx);
    sc = LIST_FIRST(&leaving);
    while (sc != NULL && !ovpn_env_is_idle(sc))
        sc = LIST_NEXT(sc, link);
    if (sc != NULL)
        LIST_REMOVE(sc, link);
    sx_xunlock(&ovpn_sx);
    if (sc != NULL)
        softc_free(sc);
    return sc != NULL;
}

void
ovpn_softc_reap(void)
{
    while (reap_one())
        ;
}

void
ovpn_softc_reap_all(void)
{
    for (ovpn_softc_reap(); !LIST_EMPTY(&leaving); ovpn_softc_reap()) {
        pause("ovpnrp", MAX(1, hz / 100));
        NET_EPOCH_DRAIN_CALLBACKS();
    }
}

void
ovpn_softc_leave(struct ovpn_softc *sc)
{
    ovpn_env_drain(sc, hz / 10);
    sx_xlock(&ovpn_sx);
    LIST_INSERT_HEAD(&leaving, sc, link);
    sx_xunlock(&ovpn_sx);
    ovpn_softc_reap();
}
