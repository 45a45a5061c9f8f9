/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a port, for the files of the plane. */
#ifndef DCO_PLANE_PORT_PRIVATE_H
#define DCO_PLANE_PORT_PRIVATE_H

#include "linux/plane/dev_private.h"
#include "linux/plane/port.h"

struct float_nat;
struct control_queue;

/* What the kernel chooses the way of this port's packets by. */
struct port_way {
    uint32_t oif;        /* SO_BINDTODEVICE, 0: none */
    uint32_t mark;       /* SO_MARK */
    uint32_t uid;        /* owner of the socket */
    uint16_t port;       /* network order */
    struct dco_ip local; /* family 0: any */
};

/* Further members of a port, at most: one to read and one to send with for each worker. */
#define PORT_MEMBERS_MAX (2 * PLANE_WORKERS_MAX)

struct plane_port {
    struct plane_port *next; /* plane_devs_lock(): list of ports */
    uint32_t refs;           /* atomic */
    bool closed;             /* atomic */
    bool watched;            /* openvpn's thread; workers read from it */
    unsigned n;              /* const once opened; members that are read, beside openvpn's own */
    unsigned senders;        /* const once opened; members that only send */
    /* const until close. 0: openvpn's own; 1 to n: read by worker i % workers; then those that only
     * send: nobody waits for them in epoll, so the kernel wakes nobody up for each packet that has
     * left (a tenth of the time on a link that cannot segment) */
    int fd[1 + PORT_MEMBERS_MAX];
    int rcvbuf_set;              /* openvpn's thread; what that of fd[0] was set to last, bytes */
    bool opened;                 /* openvpn's thread; set once; "const" below is from then on */
    sa_family_t family;          /* const; of the socket: AF_INET6 may carry v4-mapped peers */
    struct port_way way;         /* const */
    int probe[2];                /* housekeeping; IPv4 and IPv6, see path_mtu_get() */
    int route_fd;                /* housekeeping; likewise */
    bool udp_gro;                /* const */
    struct plane_dev *dev;       /* atomic; set once */
    struct control_queue *ctrl;  /* const; towards openvpn */
    struct float_nat *float_nat; /* const; floated peers */
};

static inline unsigned
port_fds(const struct plane_port *port)
{
    return 1 + port->n + port->senders;
}

/* The socket that a worker sends with: its own member, or the one there is. */
static inline int
port_send_fd(const struct plane_port *port, unsigned worker)
{
    if (port->senders > 0)
        return port->fd[1 + port->n + worker % port->senders];
    return port->n > 0 ? port->fd[1 + worker % port->n] : port->fd[0];
}

/* The list. Inside plane_devs_lock(), or openvpn's thread, which alone changes it. NULL: the first;
 * the end. */
struct plane_port *port_next(const struct plane_port *port);

/* Stops reading for a device that goes; its ports may serve another one later. openvpn's thread. */
void port_forget_dev(struct plane_dev *dev);

/* Closes the descriptors of all ports in a child of fork(), which has no other thread. */
void port_fork_child(void);

#endif
