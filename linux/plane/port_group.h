/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other members of a port: sockets in one SO_REUSEPORT group with openvpn's own and with the
 * same options. A classic BPF program over the UDP payload, which needs no privilege (socket(7),
 * SO_ATTACH_REUSEPORT_CBPF), chooses the member that receives a datagram. Members are numbered in
 * the order of bind(): openvpn's own is number 0, and member 1 + i belongs to worker i.
 *
 * openvpn's thread, before any worker reads the port.
 */
#ifndef DCO_PLANE_PORT_GROUP_H
#define DCO_PLANE_PORT_GROUP_H

#include "linux/plane/port_private.h"

/* Makes n members to read and `senders` to send with beside port->fd[0], which is bound. 0 or
 * -errno; on error the port has no other members. Until port_group_steer() every datagram goes to
 * openvpn's socket. A datagram may get lost if it arrives within the microseconds between the
 * bind() of the first member and its first BPF program.
 *
 * -EADDRINUSE: openvpn has changed its user since it made the socket. -EPERM: root does not own the
 * socket. The kernel lets every process with the uid of the group's sockets join the group, and any
 * member may replace the program and take all packets (udp_lib_lport_inuse(), sk_uid). */
int port_group_make(struct plane_port *port, unsigned n, unsigned senders);

/* Steers the data of a peer to member 1 + peer-id % n and all other datagrams to openvpn's socket.
 * Best effort: a worker tells control from data on any socket. */
void port_group_steer(const struct plane_port *port);

/* Switches UDP_GRO on for all sockets or for none. True: it is on. */
bool port_group_gro(const struct plane_port *port);

#endif
