/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/port_vfd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linux/sys/calls.h"
#include "linux/sys/log.h"

int
port_vfd_behind(const struct port_vfd *p, int fd)
{
    return port_vfd_swapped(p) ? plane_port_fd(p->port) : fd;
}

bool
port_vfd_stands(int fd, enum vfd_kind kind)
{
    struct vfd *vfd = vfd_get(fd);
    bool stands = vfd != NULL && vfd->kind == kind && port_vfd_swapped(port_vfd_of(vfd));

    if (vfd != NULL)
        vfd_put(vfd);
    return stands;
}

/* Becoming a transport */

static int
transport_of(struct port_vfd *p, int fd, const struct port_vfd_kind *kind, struct plane_dev *dev,
             struct plane_port **port)
{
    int err = port_vfd_swapped(p) ? 0 : kind->swap(p, fd);

    if (err == 0)
        err = plane_port_bind_dev(p->port, dev);
    if (err < 0) {
        log_line(LOG_LEVEL_WARN, "cannot take over %s %d, so the peer is refused: %s", kind->name,
                 fd, strerror(-err));
        return -ENOTSOCK;
    }
    *port = plane_port_get(p->port);
    return 0;
}

int
port_vfd_transport(int fd, const struct port_vfd_kind *kind, struct plane_dev *dev,
                   struct plane_port **port)
{
    struct vfd *vfd = vfd_get(fd);
    int err = -ENOTSOCK;

    if (vfd == NULL) { /* made before the process knew the family, or by another program */
        kind->make(fd);
        vfd = vfd_get(fd);
    }
    if (vfd == NULL)
        return -ENOMEM;
    if (vfd->kind == kind->kind)
        err = transport_of(port_vfd_of(vfd), fd, kind, dev, port);
    vfd_put(vfd);
    return err;
}

/* Calls */

int
port_vfd_timeout(struct port_vfd *p, int fd, int level, int name, const void *value, socklen_t len,
                 int result)
{
    if (result == 0 && port_vfd_swapped(p) && level == SOL_SOCKET && name == SO_RCVTIMEO)
        return sys()->setsockopt(fd, level, name, value, len);
    return result;
}

int
port_vfd_connect(struct vfd *vfd, int fd, const struct sockaddr *sa, socklen_t len)
{
    return sys()->connect(port_vfd_behind(port_vfd_of(vfd), fd), sa, len);
}

int
port_vfd_shutdown(struct vfd *vfd, int fd, int how)
{
    return sys()->shutdown(port_vfd_behind(port_vfd_of(vfd), fd), how);
}

int
port_vfd_getsockname(struct vfd *vfd, int fd, struct sockaddr *sa, socklen_t *len)
{
    return sys()->getsockname(port_vfd_behind(port_vfd_of(vfd), fd), sa, len);
}

int
port_vfd_getpeername(struct vfd *vfd, int fd, struct sockaddr *sa, socklen_t *len)
{
    return sys()->getpeername(port_vfd_behind(port_vfd_of(vfd), fd), sa, len);
}

/* Life */

void
port_vfd_end(struct vfd *vfd)
{
    struct port_vfd *p = port_vfd_of(vfd);

    if (p->port != NULL)
        plane_port_close(p->port);
}

void
port_vfd_fini(struct vfd *vfd)
{
    struct port_vfd *p = port_vfd_of(vfd);

    if (p->port != NULL)
        plane_port_put(p->port);
    free(p); /* the beginning of what udp.c or tcp.c allocated */
}
