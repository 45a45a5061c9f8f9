/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP sockets of a process that knows the family.
 *
 * At bind() a server's socket becomes the first member of an SO_REUSEPORT group. The first NEW_PEER
 * that names the socket swaps it: the plane reads all members, and openvpn's fd becomes one end of
 * a datagram pair, from which openvpn reads control packets with their source address. Packets that
 * openvpn sends, and its other calls, go to the real socket.
 */
#ifndef DCO_PRELOAD_UDP_H
#define DCO_PRELOAD_UDP_H

#include "linux/plane/plane.h"

/* Makes a vfd for fd, a new UDP socket. The preload lock not held. */
void udp_opened(int fd);

/* 0 if fd is a UDP socket of the process, else -ENOTSOCK. */
int udp_check(int fd);

/* Gives a reference to the port behind fd, tied to dev; swaps fd if that was not done before. 0, or
 * -ENOTSOCK (as the kernel's driver answers) or -ENOMEM. The preload lock held. */
int udp_transport(int fd, struct plane_dev *dev, struct plane_port **port);

#endif
