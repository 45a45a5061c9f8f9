/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port group of a bench tunnel, made like the preload layer makes it for openvpn: a bound
 * socket, one more per worker, and the product's steering by peer id between them.
 */
#ifndef BENCH_PORT_H
#define BENCH_PORT_H

#include <netinet/in.h>

struct plane_dev;
struct plane_port;

/* Binds, gives the group to the plane and ties it to dev. Ends the program when that fails. */
struct plane_port *port_open(struct sockaddr_in local, struct plane_dev *dev);

#endif
