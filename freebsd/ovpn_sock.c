/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The UDP socket and the hook in it. The kernel's UDP input sees under a lock that there is a hook,
 * lets go of the lock, and reads hook and context again to make the call. So a hook that was set
 * must not become NULL while datagrams come: when ours goes, a function of the kernel that takes
 * nothing (and stays when this module does not) rests in its place, until the socket is closed or
 * belongs to a tunnel again.
 */
#include "ovpn_var.h"

#include <sys/domain.h>
#include <sys/protosw.h>
#include <sys/socketvar.h>

#include <netinet/in_pcb.h>
#include <netinet/udp.h>
#include <netinet/udp_var.h>

#define RESTING ((udp_tun_func_t *)(void *)nullop)

static bool
is_udp(const struct socket *so)
{
    const struct protosw *proto = so->so_proto;

    return so->so_type == SOCK_DGRAM && proto->pr_protocol == IPPROTO_UDP &&
           (proto->pr_domain->dom_family == AF_INET || proto->pr_domain->dom_family == AF_INET6);
}

/* Who reads a new hook with the old context gets NULL, or with the new context a hook that does not
 * look at it. */
static int
set_hook(struct socket *so, udp_tun_func_t *hook, void *ctx)
{
    struct inpcb *inp = sotoinpcb(so);
    struct udpcb *up = intoudpcb(inp);
    bool taken;

    INP_WLOCK(inp);
    taken = hook != RESTING && up->u_tun_func != NULL && up->u_tun_func != RESTING;
    if (!taken) {
        dco_store(&up->u_tun_ctx, ctx);
        dco_store_release(&up->u_tun_func, hook);
    }
    INP_WUNLOCK(inp);
    return taken ? EBUSY : 0;
}

int
ovpn_sock_adopt(struct ovpn_softc *sc, struct socket *so, uint16_t port)
{
    int error;

    if (!is_udp(so))
        return EPROTOTYPE;
    if (so->so_vnet != sc->vnet)
        return EINVAL;
    if (sc->so == so)
        return 0;
    if (ovpn_peers_count(sc) != 0)
        return EBUSY;
    ovpn_sock_release(sc);
    error = set_hook(so, ovpn_udp_input, sc);
    if (error != 0)
        return error;
    soref(so);
    dco_store(&sc->fib, (uint32_t)so->so_fibnum);
    dco_store(&sc->port, (uint32_t)port);
    dco_store_release(&sc->so, so);
    return 0;
}

/* The hook runs inside the network epoch, and so do those that wake openvpn through the socket. */
void
ovpn_sock_release(struct ovpn_softc *sc)
{
    struct socket *so = sc->so;

    if (so == NULL)
        return;
    (void)set_hook(so, RESTING, NULL);
    dco_store_release(&sc->so, (struct socket *)NULL);
    NET_EPOCH_WAIT();
    sorele(so);
}
