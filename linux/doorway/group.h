/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The further members of a UDP port: sockets bound beside openvpn's own, with its options.
 * Called with the door lock held. Until steer_by_peer() every datagram goes to openvpn's socket.
 */
#ifndef DCO_DOORWAY_GROUP_H
#define DCO_DOORWAY_GROUP_H

/* Makes up to n members beside fd, which was bound. Returns how many there are: n or 0. */
unsigned group_make(int fd, int *members, unsigned n);

/* Large buffers, as far as the kernel lets us; says once when it does not. */
void group_buffers(int fd);

#endif
