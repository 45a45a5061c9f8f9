/* SPDX-License-Identifier: BSD-2-Clause */
/* The port of a bench tunnel: the one that openvpn would have, made by the same module. */
#ifndef BENCH_PORT_H
#define BENCH_PORT_H

#include "bench/util.h"
#include "linux/plane/plane.h"

/* Binds and ties the port to dev. Ends the program when that fails. */
static inline struct plane_port *
port_open(struct sockaddr_in local, struct plane_dev *dev)
{
    int pair[2], err, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct plane_port *port;

    if (fd < 0 || bind(fd, (const struct sockaddr *)&local, sizeof(local)) < 0)
        die("bind");
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
        die("socketpair");
    err = plane_port_new(fd, true, &port);
    if (err == 0)
        err = plane_port_open(port, pair[0]);
    if (err == 0)
        err = plane_port_bind_dev(port, dev);
    if (err < 0) {
        errno = -err;
        die("port");
    }
    return port;
}

#endif
