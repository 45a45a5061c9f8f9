/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sizes of the buffers of all UDP ports of the process. A receive buffer costs nothing until it
 * fills, but a flood fills all of them with memory of the host. net.ipv4.udp_mem counts the UDP
 * sockets of all processes, and above its last number the kernel drops datagrams of each of them.
 *
 * Sizes are bytes as SO_RCVBUF returns them: twice the number that was set.
 */
#ifndef DCO_PLANE_PORT_BUFFERS_H
#define DCO_PLANE_PORT_BUFFERS_H

#include <stddef.h>
#include <stdio.h>

#include "linux/plane/port_private.h"

struct buffer_share {
    size_t own; /* of openvpn's socket, which gets control packets, or all packets if it is alone */
    size_t member; /* of each socket of a worker */
};

/* The bytes for all sockets of the process: a quarter of the second number of udp_mem, where memory
 * pressure begins, and 128 MiB at most, the traffic of 100 ms at 10 Gbit/s. udp_mem NULL: the file
 * is not visible, as in network namespaces; the kernel's default for a machine of `pages` pages
 * replaces it.
 */
size_t port_buffers_budget(FILE *udp_mem, long pages, long page_size);

/* The share of one of `ports` ports that has n sockets of workers beside openvpn's own. */
struct buffer_share port_buffers_share(size_t budget, unsigned ports, unsigned n);

/* Gives every port of the process its share to receive and large buffers to send; logs once if the
 * kernel allows less. To be called whenever a port is added or gets more members. openvpn's
 * thread. */
void port_buffers_divide(void);

#endif
