/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_var.h"

#include <sys/domain.h>
#include <sys/protosw.h>
#include <sys/socketvar.h>

#include <netinet/udp.h>
#include <netinet/udp_var.h>

static bool
is_udp(const struct socket *so)
{
    const struct protosw *proto = so->so_proto;

    return so->so_type == SOCK_DGRAM && proto->pr_protocol == IPPROTO_UDP &&
           (proto->pr_domain->dom_family == AF_INET || proto->pr_domain->dom_family == AF_INET6);
}

int
ovpn_sock_adopt(struct ovpn_softc *sc, struct socket *so, uint16_t port)
{
    int error;

    if (!is_udp(so))
        return EPROTOTYPE;
    if (sc->so == so)
        return 0;
    if (ovpn_peers_count(sc) != 0)
        return EBUSY;
    ovpn_sock_release(sc);
    error = udp_set_kernel_tunneling(so, ovpn_udp_input, NULL, sc);
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
    (void)udp_set_kernel_tunneling(so, NULL, NULL, NULL);
    dco_store_release(&sc->so, (struct socket *)NULL);
    NET_EPOCH_WAIT();
    sorele(so);
}
