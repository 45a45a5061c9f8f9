/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two ioctls carry a command number and a packed list. The tables below list every command.
 *
 * No lock is held while memory of a process is read or written. A page fault there can take as long
 * as the process likes, for example if the page belongs to a file system that the process serves,
 * and ovpn_sx is shared by the interfaces of all jails.
 */
#include "ovpn_ioctl.h"

#include <sys/nv.h>
#include <sys/priv.h>
#include <sys/proc.h>
#include <sys/socket.h>
#include <sys/sockio.h>
#include <sys/sysent.h>

#include "if_ovpn.h"
#include "ovpn_key.h"
#include "ovpn_notify.h"
#include "ovpn_nv.h"
#include "ovpn_peer.h"
#include "ovpn_stats.h"
#include "ovpn_udp.h"

#define MTU_MIN 576

/* Starts the interface. openvpn sends this after every new key. */
static int
cmd_start(struct ovpn_softc *sc, const nvlist_t *nvl __unused)
{
    struct ifnet *ifp = sc->ifp;

    ifp->if_flags |= IFF_UP;
    ifp->if_drv_flags |= IFF_DRV_RUNNING;
    if_link_state_change(ifp, LINK_STATE_UP);
    return 0;
}

static int
cmd_set_ifmode(struct ovpn_softc *sc, const nvlist_t *nvl)
{
    struct ifnet *ifp = sc->ifp;
    uint64_t mode;

    if (ovpn_nv_number(nvl, "ifmode", UINT64_MAX, &mode) != 0)
        return EINVAL;
    if (ifp->if_flags & IFF_UP)
        return EBUSY;
    switch (mode & ~(uint64_t)IFF_MULTICAST) {
    case IFF_POINTOPOINT:
    case IFF_BROADCAST:
        ifp->if_flags &= ~(IFF_BROADCAST | IFF_POINTOPOINT | IFF_MULTICAST);
        ifp->if_flags |= (int)mode;
        return 0;
    default:
        return EINVAL;
    }
}

static const struct {
    u_long cmd;
    int (*run)(struct ovpn_softc *sc, const nvlist_t *nvl);
} setters[] = {
    {OVPN_NEW_PEER, ovpn_cmd_new_peer},   {OVPN_DEL_PEER, ovpn_cmd_del_peer},
    {OVPN_SET_PEER, ovpn_cmd_set_peer},   {OVPN_NEW_KEY, ovpn_cmd_new_key},
    {OVPN_SWAP_KEYS, ovpn_cmd_swap_keys}, {OVPN_DEL_KEY, ovpn_cmd_del_key},
    {OVPN_START_VPN, cmd_start},          {OVPN_SET_IFMODE, cmd_set_ifmode},
};

static const struct {
    u_long cmd;
    int (*run)(struct ovpn_softc *sc, nvlist_t *reply);
    void (*delivered)(struct ovpn_softc *sc, uint64_t number);
} getters[] = {
    {OVPN_GET_STATS, ovpn_cmd_get_stats, NULL},
    {OVPN_GET_PEER_STATS, ovpn_cmd_get_peer_stats, NULL},
    {OVPN_POLL_PKT, ovpn_cmd_poll, NULL},
    {OVPN_GET_PKT, ovpn_cmd_get_event, ovpn_event_fetched},
};

/* An empty request gives NULL; each command decides whether it needs a list. */
static int
read_request(const struct ifdrv *ifd, nvlist_t **nvl)
{
    void *packed;
    int error;

    *nvl = NULL;
    if (ifd->ifd_len == 0)
        return 0;
    if (ifd->ifd_len > OVPN_MAX_REQUEST_SIZE)
        return E2BIG;
    packed = malloc(ifd->ifd_len, M_OVPN, M_WAITOK);
    error = copyin(ifd->ifd_data, packed, ifd->ifd_len);
    if (error == 0) {
        *nvl = nvlist_unpack(packed, ifd->ifd_len, 0);
        if (*nvl == NULL)
            error = EINVAL;
    }
    explicit_bzero(packed, ifd->ifd_len);
    free(packed, M_OVPN);
    return error;
}

/* NULL: the interface is about to end. */
static struct ovpn_softc *
enter(struct ifnet *ifp)
{
    struct ovpn_softc *sc;

    sx_slock(&ovpn_sx);
    sc = ifp->if_softc;
    if (sc != NULL)
        sx_xlock(&sc->ctl);
    else
        sx_sunlock(&ovpn_sx);
    return sc;
}

static void
leave(struct ovpn_softc *sc)
{
    sx_xunlock(&sc->ctl);
    sx_sunlock(&ovpn_sx);
}

static int
run_setter(struct ifnet *ifp, u_long cmd, const nvlist_t *nvl)
{
    struct ovpn_softc *sc = enter(ifp);
    int error = ENOTSUP;

    if (sc == NULL)
        return ENXIO;
    for (unsigned i = 0; i < nitems(setters); i++) {
        if (setters[i].cmd == cmd)
            error = setters[i].run(sc, nvl);
    }
    leave(sc);
    return error;
}

static int
set(struct ifnet *ifp, const struct ifdrv *ifd)
{
    nvlist_t *nvl;
    int error;

    error = read_request(ifd, &nvl);
    if (error != 0)
        return error;
    error = run_setter(ifp, ifd->ifd_cmd, nvl);
    ovpn_keys_wipe(nvl);
    nvlist_destroy(nvl);
    return error;
}

static int
write_reply(struct ifdrv *ifd, const nvlist_t *reply)
{
    size_t len;
    void *packed;
    int error;

    packed = nvlist_pack(reply, &len);
    if (packed == NULL)
        return ENOMEM;
    if (len > ifd->ifd_len) {
        error = ENOSPC;
    } else {
        error = copyout(packed, ifd->ifd_data, len);
        ifd->ifd_len = len;
    }
    free(packed, M_NVLIST);
    return error;
}

/* *number: of the event in the reply, if it is one. */
static int
run_getter(struct ifnet *ifp, unsigned i, nvlist_t *reply, uint64_t *number)
{
    struct ovpn_softc *sc = enter(ifp);
    int error;

    if (sc == NULL)
        return ENXIO;
    error = getters[i].run(sc, reply);
    *number = sc->event_number;
    leave(sc);
    return error;
}

static void
confirm(struct ifnet *ifp, unsigned i, uint64_t number)
{
    struct ovpn_softc *sc;

    if (getters[i].delivered == NULL)
        return;
    sc = enter(ifp);
    if (sc == NULL)
        return;
    getters[i].delivered(sc, number);
    leave(sc);
}

static int
answer(struct ifnet *ifp, unsigned i, struct ifdrv *ifd, nvlist_t *reply)
{
    uint64_t number;
    int error;

    error = run_getter(ifp, i, reply, &number);
    if (error == 0)
        error = write_reply(ifd, reply);
    if (error == 0)
        confirm(ifp, i, number);
    return error;
}

static int
get(struct ifnet *ifp, struct ifdrv *ifd)
{
    nvlist_t *reply;
    unsigned i = 0;
    int error;

    /* The kernel's shim for 32-bit processes asserts that a driver leaves ifd_len alone. */
    if (SV_CURPROC_FLAG(SV_ILP32))
        return EOPNOTSUPP;
    while (i < nitems(getters) && getters[i].cmd != ifd->ifd_cmd)
        i++;
    if (i == nitems(getters))
        return ENOTSUP;
    reply = nvlist_create(0);
    if (reply == NULL)
        return ENOMEM;
    error = answer(ifp, i, ifd, reply);
    nvlist_destroy(reply);
    return error;
}

static int
drvspec(struct ifnet *ifp, u_long cmd, struct ifdrv *ifd)
{
    int error;

    error = priv_check(curthread, PRIV_NET_OVPN);
    if (error != 0)
        return error;
    return cmd == SIOCSDRVSPEC ? set(ifp, ifd) : get(ifp, ifd);
}

static int
set_mtu(struct ifnet *ifp, int mtu)
{
    if (mtu < MTU_MIN || mtu > OVPN_INNER_MAX)
        return EINVAL;
    ifp->if_mtu = (uint32_t)mtu;
    return 0;
}

int
ovpn_ioctl(struct ifnet *ifp, u_long cmd, caddr_t data)
{
    switch (cmd) {
    case SIOCSDRVSPEC:
    case SIOCGDRVSPEC:
        return drvspec(ifp, cmd, (struct ifdrv *)(void *)data);
    case SIOCSIFMTU:
        return set_mtu(ifp, ((struct ifreq *)(void *)data)->ifr_mtu);
    case SIOCSIFADDR:
    case SIOCADDMULTI:
    case SIOCDELMULTI:
    case SIOCGIFMTU:
    case SIOCSIFFLAGS:
        return 0;
    default:
        return EINVAL;
    }
}
