/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the plane share among themselves.
 *
 * Ownership. A worker holds its own `lock` from the moment epoll_wait() returned until it waits
 * again; whoever else takes that lock (worker_enter/worker_leave) finds the worker outside of every
 * device, socket, peer and key. This one mechanism is both the hand-over of descriptors and the
 * grace period of core/env.h: an object that was unlinked before each worker's lock was taken once
 * has no reader left. The lock is uncontended in the data path: one pair of atomic operations per
 * burst.
 *
 * Lock order: preload layer, plane.devs_lock, worker.lock (several in order of their index),
 * control lock of a device, the small leaf locks (deferred, float_nat, ctrl).
 */
#ifndef DCO_PLANE_INTERNAL_H
#define DCO_PLANE_INTERNAL_H

#include <pthread.h>
#include <sys/socket.h>

#include "core/atomic.h"
#include "linux/plane/plane.h"
#include "linux/sys/clock.h"
#include "linux/sys/endpoint.h"
#include "linux/sys/sandbox.h"

/* Each worker reads several queues of a device in turns, so that a packet waits behind those of
 * its own flow and not behind all others: a TUN queue has no other order than that of arrival.
 * Which flow comes by which queue follows from where its answers are written; see rx.c. */
#define PLANE_QUEUES_EACH 8U
#define PLANE_QUEUES_MAX  64U

_Static_assert(PLANE_WORKERS_MAX == SANDBOX_WORKERS_MAX, "a filter for each worker");

struct worker;
struct float_nat;
struct control_queue;

/* A readable descriptor of a worker's epoll set. */
enum source_kind { SOURCE_NONE, SOURCE_TUN, SOURCE_UDP };

struct source {
    enum source_kind kind;   /* owner: worker.lock */
    uint32_t generation;     /* worker.lock; tells a stale epoll event from a live one */
    int fd;                  /* worker.lock */
    struct plane_dev *dev;   /* SOURCE_TUN */
    struct plane_port *sock; /* SOURCE_UDP */
};

struct plane_dev {
    struct plane_dev *next;    /* plane.devs_lock */
    struct dco_peers *peers;   /* const */
    char name[IFNAMSIZ];       /* const; what it was made as */
    uint32_t ifindex;          /* const */
    enum dco_mode mode;        /* const */
    const char *kind;          /* const once there is a peer */
    bool floats_told;          /* likewise; openvpn itself looks for a peer where it is now */
    bool fixed;                /* likewise; no peer may be anywhere but where its session is */
    unsigned workers;          /* const */
    unsigned queues;           /* const; a multiple of workers */
    int tun[PLANE_QUEUES_MAX]; /* const while the device lives; worker i % workers reads queue i */
    int query;                 /* const; a socket to ask the kernel about the device, or -1 */
    bool tun_tso, tun_uso;     /* const; super-packets the TUN takes and gives */
    uint64_t flow_seed;        /* const; nobody can choose who shares a queue with whom */
    bool gone;                 /* atomic; somebody deleted the kernel's device */
    uint64_t recursion_said_ns, move_said_ns; /* atomic; when recursion.c last said it */
    void *routes;                             /* housekeeping; see routes.h */
    struct dco_routes *policy; /* atomic; the routes of peers that only rules choose */
    struct dco_drops drops[PLANE_WORKERS_MAX]
        __attribute__((aligned(64))); /* each worker its own */
};

/* What the kernel chooses the way of this port's packets by. */
struct sock_way {
    uint32_t oif;        /* SO_BINDTODEVICE, 0: none */
    uint32_t mark;       /* SO_MARK */
    uint32_t uid;        /* owner of the socket */
    uint16_t port;       /* network order */
    struct dco_ip local; /* family 0: any */
};

struct plane_port {
    struct plane_port *next; /* plane.devs_lock: list of port groups */
    uint32_t refs;           /* atomic */
    bool closed;             /* atomic */
    bool watched;            /* openvpn's thread; workers read from it */
    unsigned n;              /* const; members that are read, beside openvpn's own */
    unsigned senders;        /* const; members that only send */
    /* const until close. 0: openvpn's own; 1 to n: read by worker i % workers; then those that only
     * send: nobody waits for them in epoll, so the kernel wakes nobody up for each packet that has
     * left (a tenth of the time on a link that cannot segment) */
    int fd[1 + PLANE_MEMBERS_MAX];
    sa_family_t family;          /* const; of the socket: AF_INET6 may carry v4-mapped peers */
    struct sock_way way;         /* const */
    int probe[2];                /* housekeeping; IPv4 and IPv6, see path_mtu_get() */
    int route_fd;                /* housekeeping; likewise */
    bool udp_gro;                /* const */
    struct plane_dev *dev;       /* atomic; set once */
    struct control_queue *ctrl;  /* const; towards openvpn */
    struct float_nat *float_nat; /* const; floated peers */
};

static inline unsigned
sock_fds(const struct plane_port *sock)
{
    return 1 + sock->n + sock->senders;
}

/* Runs fn-style critical sections against a worker: see "Ownership" above. */
void worker_enter(struct worker *w);
void worker_leave(struct worker *w);

/* Waits for a grace period and runs what was deferred before. Not from a worker. */
void plane_synchronize(void);

/* Wakes housekeeping. Any thread, async-signal-safe. */
void plane_wake(void);

/* ---- ctrl.c: control packets towards openvpn ------------------------------------------------ */

/* fd: the plane's end of the pair; owned. NULL: no memory. */
struct control_queue *control_queue_new(int fd);
void control_queue_close(struct control_queue *q); /* closes fd; later pushes fail */
void control_queue_free(struct control_queue *q);
/* Closes fd in a child of fork(), where a worker of the parent may hold the lock for ever. */
void control_queue_fork_child(struct control_queue *q);
/* One datagram for openvpn; known: its source is the address of a peer. False: the queue is full
 * (or this source's share of it), the packet is dropped and the caller counts it. Any worker. Known
 * peers may use the whole queue, unknown sources half, and of that no single source more than a
 * quarter. */
bool control_queue_push(struct control_queue *q, const struct plane_control_hdr *hdr,
                        const void *pkt, size_t len, bool known);

/* ---- float_nat.c: peers whose address openvpn does not know yet
 * -----------------------------------
 */

/* Peers that took over each other's addresses form a chain, or a ring. Longer than this none gets:
 * the newest claim counts, and the one beside it ends. */
#define FLOAT_NAT_CHAIN_MAX 64U

struct float_nat *float_nat_new(void);
void float_nat_free(struct float_nat *a);
/* peer_id, which openvpn knows at `known`, now is at `now`. now == known forgets it. */
void float_nat_set(struct float_nat *a, uint32_t peer_id, const struct dco_endpoint *known,
                   const struct dco_endpoint *now);
/* The same for a peer that moved, which proves that it is it and not that it is there: false, and
 * it has no float_nat, where openvpn answered a session at `now` lately that is not this peer's. */
bool float_nat_move(struct float_nat *a, uint32_t peer_id, const struct dco_endpoint *known,
                    const struct dco_endpoint *now, uint64_t now_ns);
/* openvpn sends to ep, where it has a session and we have no peer of that session: it may be in its
 * handshake, and its control packets must stay its own. Remembered for RECENT_GENERATION_NS to
 * twice that, anew with each answer. Any thread. */
void float_nat_answered(struct float_nat *a, const struct dco_endpoint *ep, uint64_t now_ns);
void float_nat_forget(struct float_nat *a, uint32_t peer_id);
/* Rewrites the source of a control packet into what openvpn knows / the destination of one of
 * openvpn's into where the peer is. The two are a permutation of addresses, so that a stranger who
 * got the old address is presented under the new one. Any thread; free of locks while there are no
 * translations. True if changed. */
bool float_nat_source(struct float_nat *a, struct dco_endpoint *ep);
bool float_nat_dest(struct float_nat *a, struct dco_endpoint *ep);

/* ---- routes.c: a copy of the routes through our devices ----------------------------------------
 */

/* The route socket: opened before privileges go. -errno. */
int routes_open(void);
int routes_fd(void); /* for housekeeping's epoll; -1 if not open */
void routes_close(void);
void routes_fork_child(void);
/* A device appeared: dump and publish. Housekeeping. */
void routes_attach(struct plane_dev *dev);
void routes_detach(struct plane_dev *dev);
/* Notifications wait on the socket (or overflowed: ENOBUFS -> dump again). Housekeeping. */
void routes_ready(void);

/* ---- pathmtu.c: outer MTU towards a peer --------------------------------------------------------
 */

/* The sockets that ask, with mark and device of sock->fd[0]. openvpn's thread. */
void path_mtu_open(struct plane_port *sock);
void path_mtu_close(struct plane_port *sock);
/* Fresh path MTU of the route from sock to remote, 0 if unknown. Housekeeping. */
unsigned path_mtu_get(const struct plane_port *sock, const struct dco_path *path);
/* Updates peer->path_mtu of every peer of dev that is due (new, floated, older than 10 s).
 * Housekeeping, four times a second. */
void path_mtu_refresh(struct plane_dev *dev, uint64_t now_ns);

/* ---- buffers.c
 * ----------------------------------------------------------------------------------- */

/* Memory for packets of the tunnel in plain text: zeroed, in no core dump, and empty in children.
 * Not locked: it is far more than the limit on locked memory allows. NULL: none. */
void *packet_buffer_new(size_t size);
void packet_buffer_free(void *p, size_t size); /* NULL is allowed */

/* ---- limits.c
 * ------------------------------------------------------------------------------------- */

/* Workers that fit: min(wanted or cores of the affinity mask, PLANE_WORKERS_MAX, what TasksMax of
 * the cgroup and RLIMIT_NPROC leave with room for housekeeping and scripts), at least 1. Says in
 * the log when a limit lowered it. */
unsigned limits_workers(unsigned wanted);

/* ---- housekeeping.c: housekeeping
 * ------------------------------------------------------------------------ */

int housekeeping_start(void);
void housekeeping_stop(void); /* joins */

/* ---- keepalive.c
 * ------------------------------------------------------------------------------------ */

/* Seals and sends one keepalive for each peer; gives up the references. Housekeeping. */
void keepalive_send(struct dco_peer **peers, unsigned n);

#endif
