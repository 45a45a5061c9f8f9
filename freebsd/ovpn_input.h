/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the UDP socket to the stack. A datagram that is not data is left to openvpn; data is opened,
 * checked for replay and for the right to its source address, and enters the stack as if it had
 * arrived on the interface. Until it is opened, nothing in it is believed.
 */
#ifndef OVPN_INPUT_H
#define OVPN_INPUT_H

#include "ovpn_softc.h"

#include <sys/mbuf.h>
#include <sys/socket.h>

struct inpcb;

/* udp_tun_func_t: the hook of the socket, called in the network epoch. m: the datagram with its UDP
 * header at off; ctx: the softc, or NULL while the hook is taken out. False leaves m to the socket.
 */
bool ovpn_udp_input(struct mbuf *m, int off, struct inpcb *inp, const struct sockaddr *from,
                    void *ctx);

#endif
