/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The further members of a port: sockets bound beside openvpn's own, with its options, in one
 * SO_REUSEPORT group. A program of classic BPF over the UDP payload, which needs no privilege
 * (socket(7), SO_ATTACH_REUSEPORT_CBPF), says which of them receives a datagram. Members count in
 * the order in which they were bound; openvpn's own is number 0, member 1 + i belongs to worker i.
 *
 * openvpn's thread, before any worker reads the port.
 */
#ifndef DCO_PLANE_PORT_GROUP_H
#define DCO_PLANE_PORT_GROUP_H

#include "linux/plane/port_private.h"

/* Makes n members to read and `senders` to send with beside port->fd[0], which was bound. 0 or
 * -errno, and then there are none. Until port_group_steer() every datagram goes to openvpn's
 * socket; one that arrives between the binding of the first member and the steering, some
 * microseconds, may get lost, as datagrams may.
 *
 * EADDRINUSE: openvpn has changed its user since it made the socket. EPERM: the socket is not
 * root's. The kernel lets every process with the uid of a group's sockets join it, and whoever has
 * joined may replace the steering and take all packets (udp_lib_lport_inuse(), sk_uid). */
int port_group_make(struct plane_port *port, unsigned n, unsigned senders);

/* Data of a peer goes to the member of the worker peer-id % n, everything else to openvpn's socket.
 * Best effort: workers tell control from data wherever it arrives. */
void port_group_steer(const struct plane_port *port);

/* Switches UDP_GRO on, on all sockets or on none; whether it is on. */
bool port_group_gro(const struct plane_port *port);

#endif
