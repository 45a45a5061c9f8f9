/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much the receive buffers of the process's UDP ports may hold. A buffer costs nothing until it
 * fills, but a flood fills all of them, and the memory is the host's: net.ipv4.udp_mem counts the
 * UDP sockets of every process, and beyond its last number the kernel drops what any of them gets.
 *
 * Bytes are as the kernel counts them and SO_RCVBUF reads back: twice what is set.
 */
#ifndef DCO_PLANE_PORT_BUFFERS_H
#define DCO_PLANE_PORT_BUFFERS_H

#include <stddef.h>
#include <stdio.h>

#include "linux/plane/port_private.h"

struct buffer_share {
    size_t own;    /* of openvpn's socket: control packets, or everything where it is alone */
    size_t member; /* of each socket of a worker */
};

/* For all sockets of the process: a quarter of where memory pressure begins, the second number of
 * udp_mem, and 128 MiB at most, which is what arrives in 100 ms at 10 Gbit/s. udp_mem NULL: not to
 * be seen, as in network namespaces; then the kernel's default for a machine of `pages` pages
 * counts.
 */
size_t port_buffers_budget(FILE *udp_mem, long pages, long page_size);

/* For each of `ports` ports, with n sockets of workers beside openvpn's own. */
struct buffer_share port_buffers_share(size_t budget, unsigned ports, unsigned n);

/* Gives every port of the process its share to receive and large buffers to send, as far as the
 * kernel lets us; says once when it does not. Whenever there is a further port or one has more
 * members. openvpn's thread. */
void port_buffers_divide(void);

#endif
