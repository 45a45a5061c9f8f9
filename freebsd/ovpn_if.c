/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An interface ends in this order:
 *   1. no new command finds it: if_softc is NULL
 *   2. no peer is found, and no packet comes in: the UDP hook is gone
 *   3. packets that crypto still has are out of date: sc->era has changed
 *   4. no timer runs
 *   5. no packet goes out: if_detach()
 *   6. every reader has left: an epoch has passed
 * Step 3 comes before step 5, because the stack cannot handle a packet from an interface whose data
 * it has freed. Memory is freed when every crypto job has completed and everything deferred has
 * run. Nothing here waits for a crypto driver that hangs: the kernel holds one lock while any
 * interface ends or moves, so every other interface would wait too.
 */
#include "ovpn_if.h"

#include <sys/param.h>
#include <sys/eventhandler.h>
#include <sys/kernel.h>
#include <sys/mbuf.h>
#include <sys/socket.h>

#include <net/bpf.h>
#include <net/if.h>
#include <net/if_clone.h>
#include <net/if_types.h>

#include "ovpn_ioctl.h"
#include "ovpn_output.h"
#include "ovpn_softc.h"
#include "ovpn_timer.h"

#define MTU_DEFAULT 1428

static const char name_prefix[] = "ovpn";
static const char group_name[] = "openvpn";

VNET_DEFINE_STATIC(struct if_clone *, ovpn_cloner);
#define V_ovpn_cloner VNET(ovpn_cloner)

/* Virtual networks */

static eventhandler_tag departure_tag; /* const while the module is loaded */

/* The stack is about to take the interface apart, because it ends or moves into another network. A
 * new name is announced in the same way and changes nothing. The socket stays in the old network,
 * so the peers cannot move along. */
static void
departure(void *arg __unused, struct ifnet *ifp)
{
    struct ovpn_softc *sc;

    if (ifp->if_ioctl != ovpn_ioctl || (ifp->if_flags & IFF_RENAMING))
        return;
    sx_slock(&ovpn_sx);
    sc = ifp->if_softc;
    if (sc != NULL)
        ovpn_softc_reset(sc);
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
        ovpn_softc_enter(sc, to);
    }
    sx_xunlock(&ovpn_sx);
}

void
ovpn_if_watch(void)
{
    departure_tag =
        EVENTHANDLER_REGISTER(ifnet_departure_event, departure, NULL, EVENTHANDLER_PRI_FIRST);
}

void
ovpn_if_unwatch(void)
{
    EVENTHANDLER_DEREGISTER(ifnet_departure_event, departure_tag);
}

void
ovpn_if_reset_guests(void)
{
    struct ovpn_softc *sc;

    sx_slock(&ovpn_sx);
    LIST_FOREACH(sc, &V_ovpn_softcs, link)
    ovpn_softc_reset(sc);
    sx_sunlock(&ovpn_sx);
}

/* Cloner */

/* Any name with the prefix: pfSense uses ovpnc1 and ovpns2. */
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
        ++*unit; /* another interface was renamed to this name */
    }
}

/* Only plain ovpnN use the unit numbers of the cloner, so ovpnc1 and ovpns1 can both exist. */
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
    ovpn_softc_reap();
    sc = ovpn_softc_new();
    setup_ifnet(if_alloc(IFT_TUNNEL), sc, name, unit);
    /* Before if_attach(): once visible, the interface may move to another network at once. */
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

    ovpn_softc_reset(sc);
    ovpn_timer_drain(sc);
    bpfdetach(ifp);
    if_detach(ifp);
    NET_EPOCH_WAIT();
    dco_store(&sc->ifp, (struct ifnet *)NULL);
    if_free(ifp);
    ovpn_softc_leave(sc);
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

void
ovpn_if_detach_cloner(void)
{
    if (V_ovpn_cloner != NULL)
        ifc_detach_cloner(V_ovpn_cloner);
    V_ovpn_cloner = NULL;
}

static void
vnet_uninit(const void *unused __unused)
{
    ovpn_if_detach_cloner();
}
VNET_SYSUNINIT(ovpn_vnet_uninit, SI_SUB_PSEUDO, SI_ORDER_ANY, vnet_uninit, NULL);
