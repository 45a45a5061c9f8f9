/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a port, for the files of the plane. */
#ifndef DCO_PLANE_PORT_PRIVATE_H
#define DCO_PLANE_PORT_PRIVATE_H

#include "linux/plane/dev_private.h"
#include "linux/plane/fib.h"
#include "linux/plane/port.h"

struct float_nat;
struct control_queue;
struct stream;

/* The properties of the socket by which the kernel chooses a route for its packets. */
struct port_way {
    uint32_t oif;        /* SO_BINDTODEVICE, 0: none */
    uint32_t mark;       /* SO_MARK */
    uint32_t uid;        /* owner of the socket */
    uint16_t port;       /* network order */
    struct dco_ip local; /* family 0: any */
};

/* Members beside openvpn's own: at most one to read and one to send with for each worker. */
#define PORT_MEMBERS_MAX (2 * PLANE_WORKERS_MAX)

struct plane_port {
    struct stream *stream;   /* const; the connection of one peer (stream.h), NULL: UDP */
    struct plane_port *next; /* plane_devs_lock(): list of ports; not of a stream */
    uint32_t refs;           /* atomic */
    bool closed;             /* atomic */
    bool watched;            /* openvpn's thread; workers read from it */
    unsigned n;              /* const once opened; members that are read, beside openvpn's own */
    unsigned senders;        /* const once opened; members that only send */
    /* const until close; atomic then. fd[0] is openvpn's own; worker i reads fd[1 + i] for i < n;
     * the rest only send. The senders are in no epoll set, so the kernel wakes no thread when a
     * packet has left, which costs a tenth of the time on a link that cannot segment. */
    int fd[1 + PORT_MEMBERS_MAX];
    int rcvbuf_set;              /* openvpn's thread; SO_RCVBUF of fd[0] as we set it last, bytes */
    bool opened;                 /* openvpn's thread; set once; "const" below is from then on */
    sa_family_t family;          /* const; of the sockets; AF_INET6 may carry v4-mapped peers */
    struct port_way way;         /* const */
    int probe[2];                /* housekeeping; IPv4 and IPv6, see path_mtu_get() */
    struct fib fib;              /* housekeeping; likewise */
    bool udp_gro;                /* const */
    struct plane_dev *dev;       /* atomic, with release; set once, when the port is open */
    struct control_queue *ctrl;  /* const; towards openvpn */
    struct float_nat *float_nat; /* const; floated peers */
};

static inline unsigned
port_fds(const struct plane_port *port)
{
    return 1 + port->n + port->senders;
}

/* The socket with which a worker sends: its own member if there are members. */
static inline int
port_send_fd(const struct plane_port *port, unsigned worker)
{
    if (port->senders > 0)
        return port->fd[1 + port->n + worker % port->senders];
    return port->n > 0 ? port->fd[1 + worker % port->n] : port->fd[0];
}

/* Walks all ports but streams: port_next(NULL) is the first one, and NULL the end. Inside
 * plane_devs_lock(), or in openvpn's thread, the only one that changes the list. */
struct plane_port *port_next(const struct plane_port *port);

/* Workers stop reading the ports of dev, which is about to end. The ports may serve another device
 * later. openvpn's thread. */
void port_forget_dev(struct plane_dev *dev);

/* Closes the descriptors of all ports in a child of fork(), which has no other thread. */
void port_fork_child(void);

#endif
