/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP sockets of a process that knows the family.
 *
 * At bind() a server's socket becomes the first of an SO_REUSEPORT group. With the first NEW_PEER
 * that names it, the socket is swapped: the plane reads all members, and the number that openvpn
 * knows becomes one end of a datagram pair from which control packets are read with the address
 * they came from. What openvpn sends, and its other calls, go to the real socket.
 */
#ifndef DCO_PRELOAD_UDP_H
#define DCO_PRELOAD_UDP_H

#include "linux/plane/plane.h"

/* fd is a new UDP socket. */
void udp_opened(int fd);

/* 0 if fd is a UDP socket of the process, else -ENOTSOCK. */
int udp_check(int fd);

/* A reference to the port behind fd, bound to dev; swaps fd if it was not yet. The vfd lock
 * held. -ENOTSOCK if that is not possible, as the driver answers. */
int udp_transport(int fd, struct plane_dev *dev, struct plane_port **port);

#endif
