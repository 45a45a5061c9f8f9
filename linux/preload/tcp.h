/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP connections of a process that knows the family.
 *
 * Before its swap a connection is openvpn's own. Its reads are cut at the ends of frames, so that
 * openvpn never holds the beginning of a frame whose rest the plane would get. The NEW_PEER that
 * names the connection swaps it: the plane reads and writes it, and openvpn's fd becomes one end of
 * a pair of stream sockets, from which openvpn reads control packets with their lengths. What
 * openvpn sends goes through the plane, its other calls go to the connection.
 */
#ifndef DCO_PRELOAD_TCP_H
#define DCO_PRELOAD_TCP_H

#include "linux/plane/plane.h"

/* Makes a vfd for fd, a TCP socket that has none. */
void tcp_opened(int fd);

/* 0 if fd is a connected TCP socket, or stands for one, else -ENOTSOCK. */
int tcp_check(int fd);

/* Gives a reference to the stream behind fd, tied to dev; swaps fd if that was not done before. 0,
 * or -ENOTSOCK (as the kernel's driver answers) or -ENOMEM. The preload lock held. */
int tcp_transport(int fd, struct plane_dev *dev, struct plane_port **port);

#endif
