/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface as the files of the module share it: one struct, its locks, and how it begins and
 * ends.
 *
 * Locks, in the order in which they are taken:
 *   ovpn_sx        every interface of the module: shared by ioctl, exclusive to end an interface
 *   sc->ctl        the commands of one interface, one at a time; may sleep
 *   control lock   of core/peers.h; never held across a sleep
 *   sc->so_mtx     the socket of the interface
 *   sc->defer_mtx  leaf
 * The data path runs inside the network epoch, which is the read section of core/env.h, without
 * these locks. Only a packet that changes something, such as the address of its peer, takes the
 * control lock. The core takes the replay lock of the key of a received packet.
 */
#ifndef OVPN_SOFTC_H
#define OVPN_SOFTC_H

#include <sys/param.h>
#include <sys/systm.h>
#include <sys/epoch.h>
#include <sys/lock.h>
#include <sys/malloc.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/sdt.h>
#include <sys/socket.h>
#include <sys/sx.h>
#include <sys/taskqueue.h>

#include <net/if.h>
#include <net/if_var.h>
#include <net/if_private.h>
#include <net/vnet.h>

#include "../core/atomic.h"
#include "../core/control.h"
#include "../core/events.h"
#include "ovpn_counters.h"

MALLOC_DECLARE(M_OVPN);
SDT_PROVIDER_DECLARE(if_ovpn);

struct ovpn_softc {
    struct ifnet *ifp;             /* atomic; NULL once the interface has ended */
    LIST_ENTRY(ovpn_softc) link;   /* ovpn_sx; in V_ovpn_softcs, or among those that leave */
    struct sx ctl;                 /* see above */
    struct dco_siphash_key secret; /* const */
    struct dco_env env;            /* const */
    struct dco_peers *set[2];      /* ctl; by enum dco_mode; made on first use, freed at the end */
    struct dco_peers *active;      /* atomic; writers: ctl. The set that new peers join */
    uint32_t objects;              /* atomic; peers whose memory is not freed yet */
    uint32_t era;                  /* atomic; changes when sc leaves its network or ends */

    struct vnet *vnet; /* ctl; sockets must be of this network. NULL: on the way to another one */
    struct mtx so_mtx; /* leaf, but for what wakes a socket up */
    struct socket *so; /* so_mtx; valid while it is held: the last close sets NULL. No reference */
    uint32_t fib;      /* atomic; of so */
    uint32_t port;     /* atomic; so is bound to it, network order */

    struct timeout_task tick;
    uint32_t dying; /* atomic; set once, before the tick is drained */

    struct dco_event event; /* ctl; taken from the core, not yet fetched by openvpn */
    uint64_t event_number;  /* ctl; number of the newest event taken */
    bool event_waits;       /* ctl; event is valid */
    uint64_t loop_said_ns;  /* atomic; last log line about packets that loop */
    uint64_t float_said_ns; /* atomic; last log line about an address that was not followed */

    struct mtx defer_mtx;
    struct dco_deferred *defer_now;  /* defer_mtx; run when the pending epoch call ends */
    struct dco_deferred *defer_next; /* defer_mtx; came after it was made */
    bool defer_armed;                /* defer_mtx; an epoch call is pending */
    struct epoch_context defer_ctx;

    struct ovpn_counters counters;
};

extern struct sx ovpn_sx;

/* Every interface that is in this virtual network. ovpn_sx. */
LIST_HEAD(ovpn_softcs, ovpn_softc);
VNET_DECLARE(struct ovpn_softcs, ovpn_softcs);
#define V_ovpn_softcs VNET(ovpn_softcs)

/* In no network and without an ifnet. Sleeps. */
struct ovpn_softc *ovpn_softc_new(void);
/* Peers, socket and events go, and with them every packet on its way; the interface stays. Until
 * ovpn_softc_enter() it takes no other socket. ctl not held. Sleeps. */
void ovpn_softc_reset(struct ovpn_softc *sc);
/* The interface is in this network from now on. ctl not held. */
void ovpn_softc_enter(struct ovpn_softc *sc, struct vnet *vnet);
/* The interface has ended, ovpn_softc_reset() included, and its ifnet is gone. Frees sc, as soon as
 * the crypto driver has given back what it has of it: at once, in ovpn_softc_reap(), or in
 * ovpn_softc_reap_all(). Sleeps, but not for a driver. ovpn_sx not held. */
void ovpn_softc_leave(struct ovpn_softc *sc);
void ovpn_softc_reap(void);
/* Sleeps until every driver has given everything back. */
void ovpn_softc_reap_all(void);

#endif
