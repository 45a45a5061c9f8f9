/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a UDP socket and a TCP connection of the process have in common once the plane may take them
 * over: a port of the plane, a swap, and calls that go to the real socket. udp.c and tcp.c begin
 * their vfds with it.
 */
#ifndef DCO_PRELOAD_PORT_VFD_H
#define DCO_PRELOAD_PORT_VFD_H

#include "core/atomic.h"
#include "linux/plane/plane.h"
#include "linux/preload/vfd.h"

struct port_vfd {
    struct vfd vfd;
    struct plane_port *port; /* preload lock; const once swapped. NULL: openvpn's socket alone */
    bool swapped; /* atomic; set once, under the preload lock: fd is an end of the pair */
};

/* How a kind becomes a transport. swap(): 0 or -errno; then openvpn goes on reading its socket. */
struct port_vfd_kind {
    enum vfd_kind kind;
    const char *name; /* for the log */
    void (*make)(int fd);
    int (*swap)(struct port_vfd *p, int fd);
};

static inline struct port_vfd *
port_vfd_of(struct vfd *vfd)
{
    return (struct port_vfd *)vfd;
}

static inline bool
port_vfd_swapped(const struct port_vfd *p)
{
    return dco_load_acquire(&p->swapped);
}

/* The descriptor of the real socket; -1 if that is closed. */
int port_vfd_behind(const struct port_vfd *p, int fd);

/* Whether fd is of this kind and was swapped. */
bool port_vfd_stands(int fd, enum vfd_kind kind);

/* As udp_transport() and tcp_transport() say. */
int port_vfd_transport(int fd, const struct port_vfd_kind *kind, struct plane_dev *dev,
                       struct plane_port **port);

/* For the pair after setsockopt() of the socket behind it has returned result: openvpn waits for
 * the pair, so the time limit of its reads holds there, too. */
int port_vfd_timeout(struct port_vfd *p, int fd, int level, int name, const void *value,
                     socklen_t len, int result);

/* Members of struct vfd_ops. */
int port_vfd_connect(struct vfd *vfd, int fd, const struct sockaddr *sa, socklen_t len);
int port_vfd_shutdown(struct vfd *vfd, int fd, int how);
int port_vfd_getsockname(struct vfd *vfd, int fd, struct sockaddr *sa, socklen_t *len);
int port_vfd_getpeername(struct vfd *vfd, int fd, struct sockaddr *sa, socklen_t *len);
/* The port must be free when close() returns: openvpn binds it again at once. */
void port_vfd_end(struct vfd *vfd);
void port_vfd_fini(struct vfd *vfd);

#endif
