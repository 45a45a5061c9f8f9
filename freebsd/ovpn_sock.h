/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The UDP socket of an interface, the hook in it, and its last close.
 *
 * The module holds no reference to the socket: UDP lets go of a port only when the socket is freed,
 * so a reference would keep the port from the next openvpn. Instead the socket's destructor, which
 * runs in the last close however openvpn ended, takes the peers and the hook away.
 */
#ifndef OVPN_SOCK_H
#define OVPN_SOCK_H

#include "ovpn_softc.h"

struct socket;

/* sc->ctl held, and the file of so. 0, or EPROTOTYPE: not UDP; EINVAL: of another virtual network;
 * EBUSY: another tunnel has it, or the peers use another socket. port: network order. */
int ovpn_sock_adopt(struct ovpn_softc *sc, struct socket *so, uint16_t port);
/* sc->ctl held. Sleeps; afterwards nothing of the socket refers to sc. False: sc had none. */
bool ovpn_sock_release(struct ovpn_softc *sc);
/* True if a tunnel has this port, or had it since the module was loaded. network order. Any thread.
 */
bool ovpn_sock_is_tunnel_port(uint16_t port);
/* Makes openvpn return from poll(2). Any thread. */
void ovpn_sock_wake(struct ovpn_softc *sc);
/* Sleeps until no close is under way inside the module. */
void ovpn_sock_drain(void);

#endif
