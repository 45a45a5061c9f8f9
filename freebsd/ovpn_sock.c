/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the hook is removed. The kernel's UDP input checks under the lock of the pcb whether there is
 * a hook, takes a reference to the pcb, unlocks it, and then reads hook and context again for the
 * call. So the hook must not become NULL in between. It is first replaced by nullop(), a function
 * of the kernel that accepts no datagram and outlives this module. It becomes NULL when no datagram
 * is on its way to it.
 */
#include "ovpn_sock.h"

#include <sys/domain.h>
#include <sys/kernel.h>
#include <sys/protosw.h>
#include <sys/refcount.h>
#include <sys/socket.h>
#include <sys/socketvar.h>

#include <netinet/in.h>
#include <netinet/in_pcb.h>
#include <netinet/udp.h>
#include <netinet/udp_var.h>

#include "ovpn_input.h"
#include "ovpn_notify.h"
#include "ovpn_peer.h"

#define RESTING     ((udp_tun_func_t *)(void *)nullop)
#define CLEAR_TRIES 10

#define PORTS 65536

static uint64_t tunnel_ports[PORTS / 64]; /* atomic; a bit for each port, never cleared */
static uint32_t closing;                  /* atomic; number of threads inside socket_closed() */

static bool
is_udp(const struct socket *so)
{
    const struct protosw *proto = so->so_proto;

    return so->so_type == SOCK_DGRAM && proto->pr_protocol == IPPROTO_UDP &&
           (proto->pr_domain->dom_family == AF_INET || proto->pr_domain->dom_family == AF_INET6);
}

/* Hook */

static void
put_hook(struct inpcb *inp, udp_tun_func_t *func, struct ovpn_softc *sc)
{
    struct udpcb *up = intoudpcb(inp);

    INP_WLOCK_ASSERT(inp);
    dco_store(&up->u_tun_ctx, (void *)sc);
    dco_store_release(&up->u_tun_func, func);
}

/* A reader may see the new hook with the old context, which is NULL, or the new context with the
 * old hook, which does not use it. */
static int
set_hook(struct socket *so, struct ovpn_softc *sc)
{
    struct inpcb *inp = sotoinpcb(so);
    struct udpcb *up = intoudpcb(inp);
    bool taken;

    INP_WLOCK(inp);
    taken = up->u_tun_func != NULL && up->u_tun_func != RESTING;
    if (!taken)
        put_hook(inp, ovpn_udp_input, sc);
    INP_WUNLOCK(inp);
    return taken ? EBUSY : 0;
}

/* Returns the interface whose hook it was, or NULL. */
static struct ovpn_softc *
rest_hook(struct socket *so)
{
    struct inpcb *inp = sotoinpcb(so);
    struct udpcb *up = intoudpcb(inp);
    struct ovpn_softc *sc = NULL;

    INP_WLOCK(inp);
    if (up->u_tun_func == ovpn_udp_input) {
        sc = up->u_tun_ctx;
        put_hook(inp, RESTING, NULL);
    }
    INP_WUNLOCK(inp);
    return sc;
}

/* No datagram is on its way to the hook when the socket's reference to the pcb is the only one. */
static bool
try_clear(struct socket *so)
{
    struct inpcb *inp = sotoinpcb(so);
    struct udpcb *up = intoudpcb(inp);
    bool alone;

    INP_WLOCK(inp);
    alone = refcount_load(&inp->inp_refcount) == 1;
    if (alone && up->u_tun_func == RESTING)
        dco_store(&up->u_tun_func, (udp_tun_func_t *)NULL);
    INP_WUNLOCK(inp);
    return alone;
}

/* So that another driver may use the socket. Under a flood the hook may stay nullop(); then only
 * this driver can use the socket again. */
static void
clear_hook(struct socket *so)
{
    for (int i = 0; i < CLEAR_TRIES && !try_clear(so); i++)
        NET_EPOCH_WAIT();
}

/* The last close */

static void
set_socket(struct ovpn_softc *sc, struct socket *so)
{
    mtx_lock(&sc->so_mtx);
    sc->so = so;
    mtx_unlock(&sc->so_mtx);
}

/* The socket has no reference left and is freed after this. Until sc->so is NULL, the interface
 * cannot end and cannot take another socket, so no other peers are removed. After that the epoch
 * keeps sc alive. */
static void
socket_closed(struct socket *so)
{
    struct ovpn_softc *sc;
    struct epoch_tracker et;

    dco_add(&closing, 1);
    NET_EPOCH_ENTER(et);
    sc = rest_hook(so);
    if (sc != NULL) {
        ovpn_peers_orphaned(sc);
        set_socket(sc, NULL);
    }
    NET_EPOCH_EXIT(et);
    (void)dco_ref_put(&closing);
}

void
ovpn_sock_drain(void)
{
    while (dco_load_acquire(&closing) != 0)
        pause("ovpncl", 1);
}

static int
watch(struct socket *so)
{
    bool taken;

    SOCK_LOCK(so);
    taken = so->so_dtor != NULL;
    if (!taken)
        sodtor_set(so, socket_closed);
    SOCK_UNLOCK(so);
    return taken ? EBUSY : 0;
}

static void
unwatch(struct socket *so)
{
    SOCK_LOCK(so);
    sodtor_set(so, NULL);
    SOCK_UNLOCK(so);
}

/* False while the last close runs. *so: a reference to the socket, or NULL if there is none. */
static bool
try_hold(struct ovpn_softc *sc, struct socket **so)
{
    bool held;

    mtx_lock(&sc->so_mtx);
    *so = sc->so;
    held = *so == NULL || refcount_acquire_if_not_zero(&(*so)->so_count);
    mtx_unlock(&sc->so_mtx);
    return held;
}

/* Tunnel and socket */

static bool
has_socket(struct ovpn_softc *sc, const struct socket *so)
{
    bool has;

    mtx_lock(&sc->so_mtx);
    has = sc->so == so;
    mtx_unlock(&sc->so_mtx);
    return has;
}

static int
take(struct ovpn_softc *sc, struct socket *so)
{
    int error;

    error = watch(so);
    if (error != 0)
        return error;
    error = set_hook(so, sc);
    if (error != 0)
        unwatch(so);
    return error;
}

static void
note_port(uint16_t port)
{
    (void)dco_fetch_or(&tunnel_ports[port / 64], 1ULL << port % 64);
}

bool
ovpn_sock_is_tunnel_port(uint16_t port)
{
    return (dco_load(&tunnel_ports[port / 64]) & 1ULL << port % 64) != 0;
}

int
ovpn_sock_adopt(struct ovpn_softc *sc, struct socket *so, uint16_t port)
{
    int error;

    sx_assert(&sc->ctl, SA_XLOCKED);
    if (!is_udp(so))
        return EPROTOTYPE;
    if (so->so_vnet != sc->vnet)
        return EINVAL;
    if (has_socket(sc, so))
        return 0;
    if (ovpn_peers_count(sc) != 0)
        return EBUSY;
    if (!ovpn_sock_release(sc))
        ovpn_events_flush(sc); /* they were for the openvpn that closed the socket */
    error = take(sc, so);
    if (error != 0)
        return error;
    dco_store(&sc->fib, (uint32_t)so->so_fibnum);
    dco_store(&sc->port, (uint32_t)port);
    note_port(port);
    set_socket(sc, so);
    return 0;
}

/* NET_EPOCH_WAIT() waits for the hook, which runs inside the network epoch. */
bool
ovpn_sock_release(struct ovpn_softc *sc)
{
    struct socket *so;

    sx_assert(&sc->ctl, SA_XLOCKED);
    while (!try_hold(sc, &so))
        pause("ovpncl", 1);
    if (so == NULL)
        return false;
    unwatch(so);
    (void)rest_hook(so);
    set_socket(sc, NULL);
    NET_EPOCH_WAIT();
    clear_hook(so);
    CURVNET_SET(so->so_vnet);
    sorele(so); /* closes the socket if this was the last reference */
    CURVNET_RESTORE();
    return true;
}

/* openvpn sleeps in poll(2) on its UDP socket; a pending error makes that return, and the read
 * that follows fails with EAGAIN, which it ignores. */
void
ovpn_sock_wake(struct ovpn_softc *sc)
{
    mtx_lock(&sc->so_mtx);
    if (sc->so != NULL) {
        sc->so->so_error = EAGAIN;
        sorwakeup(sc->so);
        sowwakeup(sc->so);
    }
    mtx_unlock(&sc->so_mtx);
}
