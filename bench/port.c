/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/port.h"

#include "bench/util.h"
#include "linux/preload/steer.h"
#include "linux/plane/plane.h"

#define BUFFER_BYTES (4 << 20)

static int
udp_socket(const struct sockaddr_in *local)
{
    int size = BUFFER_BYTES, on = 1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)local, sizeof(*local)) < 0)
        die("bind");
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    return fd;
}

struct plane_port *
port_open(struct sockaddr_in local, struct plane_dev *dev)
{
    unsigned n = plane_group_size();
    int members[PLANE_MEMBERS_MAX], pair[2], err;
    struct plane_port *sock;
    int fd = udp_socket(&local);

    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
        die("socketpair");
    for (unsigned i = 0; i < 2 * n; i++)
        members[i] = udp_socket(&local);
    err = steer_by_peer(fd, n);
    if (err == 0)
        err = plane_port_new(fd, members, n, n, pair[0], &sock);
    if (err == 0)
        err = plane_port_bind_dev(sock, dev);
    if (err < 0) {
        errno = -err;
        die("port");
    }
    return sock;
}
