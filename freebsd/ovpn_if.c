/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface: cloner, life and end, virtual networks, module events.
 *
 * The end of an interface, in this order: no new command finds it (if_softc is NULL), no peer is in
 * sight, no packet comes in (the UDP hook is gone), what crypto still has is out of date (era), no
 * timer runs, no packet goes out (if_detach), every reader has left (an epoch has passed). Packets
 * are out of date before if_detach() begins, because the stack has no answer to a packet from an
 * interface that it has taken its data from. Memory is given back when every crypto job has
 * completed and everything deferred has run. A driver that hangs must not be waited for: the kernel
 * holds one lock for the end and the move of any interface, and the module's own would do the same.
 */
#include "ovpn_crypto.h"

#include <sys/eventhandler.h>
#include <sys/jail.h>
#include <sys/module.h>
#include <sys/osd.h>
#include <sys/proc.h>

#include <net/bpf.h>
#include <net/if_clone.h>
#include <net/if_types.h>

#define MTU_DEFAULT 1428

static const char name_prefix[] = "ovpn";
static const char group_name[] = "openvpn";

MALLOC_DEFINE(M_OVPN, "if_ovpn", "OpenVPN data channel offload");

struct sx ovpn_sx;
SX_SYSINIT(ovpn_sx, &ovpn_sx, "if_ovpn interfaces");

VNET_DEFINE(struct ovpn_softcs, ovpn_softcs);
VNET_DEFINE_STATIC(struct if_clone *, ovpn_cloner);
#define V_ovpn_cloner VNET(ovpn_cloner)

/* Softc */

static struct ovpn_softc *
softc_new(void)
{
    struct ovpn_softc *sc = malloc(sizeof(*sc), M_OVPN, M_WAITOK | M_ZERO);

    sx_init(&sc->ctl, "if_ovpn commands");
    mtx_init(&sc->so_mtx, "if_ovpn socket", NULL, MTX_DEF);
    arc4random_buf(&sc->secret, sizeof(sc->secret));
    ovpn_env_init(sc);
    ovpn_stats_init(sc);
    ovpn_timer_init(sc);
    return sc;
}

/* Nothing refers to it any more. */
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
    ovpn_stats_fini(sc);
    ovpn_env_fini(sc);
    mtx_destroy(&sc->so_mtx);
    sx_destroy(&sc->ctl);
    zfree(sc, M_OVPN);
}

/* Peers, socket and events go, and with them every packet on its way; the interface stays. Until it
 * is in a network again, it takes no other socket. The first epoch is for who still finds a peer
 * and makes a job for crypto, the second for jobs that complete and are not late yet. */
static void
softc_reset(struct ovpn_softc *sc)
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

/* What has ended but for the crypto jobs that a driver still has. */
static struct ovpn_softcs leaving = LIST_HEAD_INITIALIZER(leaving); /* ovpn_sx */

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

/* Those whose jobs have completed; the others at the next occasion. */
static void
reap(void)
{
    while (reap_one())
        ;
}

static void
reap_all(void)
{
    for (reap(); !LIST_EMPTY(&leaving); reap()) {
        pause("ovpnrp", MAX(1, hz / 100));
        NET_EPOCH_DRAIN_CALLBACKS();
    }
}

static void
softc_leave(struct ovpn_softc *sc)
{
    ovpn_env_drain(sc, hz / 10);
    sx_xlock(&ovpn_sx);
    LIST_INSERT_HEAD(&leaving, sc, link);
    sx_xunlock(&ovpn_sx);
    reap();
}

static void
softc_enter(struct ovpn_softc *sc, struct vnet *vnet)
{
    sx_xlock(&sc->ctl);
    sc->vnet = vnet;
    sx_xunlock(&sc->ctl);
}

/* Virtual networks */

static eventhandler_tag departure_tag;

/* The stack is about to take the interface apart, to end it or to move it into another network (or
 * only to give it another name, which is announced in the same way). The socket stays behind in the
 * old network, so its peers cannot move along. */
static void
departure(void *arg __unused, struct ifnet *ifp)
{
    struct ovpn_softc *sc;

    if (ifp->if_ioctl != ovpn_ioctl || (ifp->if_flags & IFF_RENAMING))
        return;
    sx_slock(&ovpn_sx);
    sc = ifp->if_softc;
    if (sc != NULL)
        softc_reset(sc);
    sx_sunlock(&ovpn_sx);
}

static void
reassign(struct ifnet *ifp, struct vnet *to, char *unused __unused)
{
    struct ovpn_softc *sc;

    sx_xlock(&ovpn_sx);
    sc = ifp->if_softc;
    if (sc != NULL) {
        LIST_REMOVE(sc, link);
        CURVNET_SET_QUIET(to);
        LIST_INSERT_HEAD(&V_ovpn_softcs, sc, link);
        CURVNET_RESTORE();
        softc_enter(sc, to);
    }
    sx_xunlock(&ovpn_sx);
}

/* Cloner */

/* Any name that begins so: pfSense has ovpnc1 and ovpns2. */
static int
clone_match(struct if_clone *ifc __unused, const char *name)
{
    return strncmp(name_prefix, name, sizeof(name_prefix) - 1) == 0;
}

static int
wildcard_unit(struct if_clone *ifc, char *name, size_t len, int *unit)
{
    size_t used = strlen(name);
    int error;

    for (;;) {
        error = ifc_alloc_unit(ifc, unit);
        if (error == EEXIST && *unit >= 0) {
            ++*unit;
            continue;
        }
        if (error != 0)
            return error;
        if (snprintf(name + used, len - used, "%d", *unit) >= (int)(len - used)) {
            ifc_free_unit(ifc, *unit);
            return ENOSPC;
        }
        if (ifunit(name) == NULL)
            return 0;
        ifc_free_unit(ifc, *unit);
        ++*unit; /* an interface was renamed to what would be ours */
    }
}

/* Only the plain ovpnN draw on the numbers of the cloner; ovpnc1 and ovpns1 exist side by side. */
static int
choose_name(struct if_clone *ifc, char *name, size_t len, int *unit)
{
    int error;

    error = ifc_name2unit(name, unit);
    if (error != 0)
        return error;
    if (*unit < 0)
        return wildcard_unit(ifc, name, len, unit);
    if (ifunit(name) != NULL)
        return EEXIST;
    if (name[sizeof(name_prefix) - 1] >= '0' && name[sizeof(name_prefix) - 1] <= '9')
        return ifc_alloc_unit(ifc, unit);
    *unit = IF_DUNIT_NONE;
    return 0;
}

static void
setup_ifnet(struct ifnet *ifp, struct ovpn_softc *sc, const char *name, int unit)
{
    sc->ifp = ifp;
    sc->vnet = curvnet;
    ifp->if_softc = sc;
    strlcpy(ifp->if_xname, name, IFNAMSIZ);
    ifp->if_dname = group_name;
    ifp->if_dunit = unit;
    ifp->if_addrlen = 0;
    ifp->if_mtu = MTU_DEFAULT;
    ifp->if_flags = IFF_POINTOPOINT | IFF_MULTICAST;
    ifp->if_ioctl = ovpn_ioctl;
    ifp->if_transmit = ovpn_transmit;
    ifp->if_output = ovpn_output;
    ifp->if_qflush = if_qflush;
    ifp->if_reassign = reassign;
    ifp->if_capabilities |= IFCAP_LINKSTATE;
    ifp->if_capenable |= IFCAP_LINKSTATE;
}

static int
clone_create(struct if_clone *ifc, char *name, size_t len, struct ifc_data *ifd __unused,
             struct ifnet **ifpp)
{
    struct ovpn_softc *sc;
    int unit, error;

    error = choose_name(ifc, name, len, &unit);
    if (error != 0)
        return error;
    reap();
    sc = softc_new();
    setup_ifnet(if_alloc(IFT_TUNNEL), sc, name, unit);
    /* Before others see the interface: it may be moved to another network at once. */
    sx_xlock(&ovpn_sx);
    LIST_INSERT_HEAD(&V_ovpn_softcs, sc, link);
    sx_xunlock(&ovpn_sx);
    if_attach(sc->ifp);
    bpfattach(sc->ifp, DLT_NULL, sizeof(uint32_t));
    *ifpp = sc->ifp;
    return 0;
}

static int
clone_destroy(struct if_clone *ifc, struct ifnet *ifp, uint32_t flags __unused)
{
    struct ovpn_softc *sc = ifp->if_softc;
    int unit = ifp->if_dunit;

    sx_xlock(&ovpn_sx);
    LIST_REMOVE(sc, link);
    dco_store_release((struct ovpn_softc **)&ifp->if_softc, (struct ovpn_softc *)NULL);
    sx_xunlock(&ovpn_sx);

    softc_reset(sc);
    ovpn_timer_drain(sc);
    bpfdetach(ifp);
    if_detach(ifp);
    NET_EPOCH_WAIT();
    dco_store(&sc->ifp, (struct ifnet *)NULL);
    if_free(ifp);
    softc_leave(sc);
    if (unit != IF_DUNIT_NONE)
        ifc_free_unit(ifc, unit);
    return 0;
}

static void
vnet_init(const void *unused __unused)
{
    struct if_clone_addreq req = {
        .match_f = clone_match,
        .create_f = clone_create,
        .destroy_f = clone_destroy,
    };

    LIST_INIT(&V_ovpn_softcs);
    V_ovpn_cloner = ifc_attach_cloner(group_name, &req);
}
VNET_SYSINIT(ovpn_vnet_init, SI_SUB_PSEUDO, SI_ORDER_ANY, vnet_init, NULL);

static void
vnet_uninit(const void *unused __unused)
{
    if (V_ovpn_cloner != NULL)
        ifc_detach_cloner(V_ovpn_cloner);
    V_ovpn_cloner = NULL;
}
VNET_SYSUNINIT(ovpn_vnet_uninit, SI_SUB_PSEUDO, SI_ORDER_ANY, vnet_uninit, NULL);

/* Module */

static int osd_slot;

/* Interfaces that were created elsewhere and moved into this network; they go home when it ends. */
static void
reset_guests(void)
{
    struct ovpn_softc *sc;

    sx_slock(&ovpn_sx);
    LIST_FOREACH(sc, &V_ovpn_softcs, link)
    softc_reset(sc);
    sx_sunlock(&ovpn_sx);
}

/* The interfaces of a jail go when it is removed, not when its last process has. */
static int
jail_removed(void *obj, void *data __unused)
{
    struct prison *pr = obj;

    if (prison_owns_vnet(pr)) {
        CURVNET_SET(pr->pr_vnet);
        vnet_uninit(NULL);
        reset_guests();
        CURVNET_RESTORE();
    }
    return 0;
}

static int
load(void)
{
    const osd_method_t methods[PR_MAXMETHOD] = {[PR_METHOD_REMOVE] = jail_removed};
    int error;

    error = ovpn_crypto_load();
    if (error != 0)
        return error;
    departure_tag =
        EVENTHANDLER_REGISTER(ifnet_departure_event, departure, NULL, EVENTHANDLER_PRI_FIRST);
    osd_slot = osd_jail_register(NULL, methods);
    return 0;
}

/* The SYSUNINITs that follow end the interfaces of the other networks, holding the list of networks
 * while they do; those of the host end here, without it. */
static void
unload(void)
{
    osd_jail_deregister(osd_slot);
    CURVNET_SET(vnet0);
    vnet_uninit(NULL);
    CURVNET_RESTORE();
}

static void
finish_unload(const void *unused __unused)
{
    EVENTHANDLER_DEREGISTER(ifnet_departure_event, departure_tag);
    ovpn_sock_drain();
    reap_all();
    ovpn_crypto_unload();
}
SYSUNINIT(ovpn_finish_unload, SI_SUB_PSEUDO, SI_ORDER_FIRST, finish_unload, NULL);

static int
modevent(module_t mod __unused, int type, void *data __unused)
{
    switch (type) {
    case MOD_LOAD:
        return load();
    case MOD_UNLOAD:
        unload();
        return 0;
    default:
        return EOPNOTSUPP;
    }
}

static moduledata_t ovpn_module = {"if_ovpn", modevent, 0};

DECLARE_MODULE(if_ovpn, ovpn_module, SI_SUB_PSEUDO, SI_ORDER_ANY);
MODULE_VERSION(if_ovpn, 1);
MODULE_DEPEND(if_ovpn, crypto, 1, 1, 1);
