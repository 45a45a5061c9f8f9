/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker: one thread that owns some queues of each TUN device and one member of each port group.
 * It waits in epoll, takes one bounded burst from all TUN queues that are ready and one from each
 * port, and waits again, so that no flow, port or direction starves another.
 */
#ifndef DCO_PLANE_WORKER_H
#define DCO_PLANE_WORKER_H

#include "linux/plane/dev_private.h"
#include "linux/plane/rx.h"
#include "linux/plane/tx.h"

#define WORKER_SOURCES 128U /* descriptors of one worker: devices plus group members */

/* A readable descriptor of a worker's epoll set. */
enum source_kind { SOURCE_NONE, SOURCE_TUN, SOURCE_UDP };

struct source {
    enum source_kind kind;   /* owner: worker.lock */
    uint32_t generation;     /* worker.lock; tells a stale epoll event from a live one */
    int fd;                  /* worker.lock */
    struct plane_dev *dev;   /* SOURCE_TUN */
    struct plane_port *port; /* SOURCE_UDP */
};

struct worker {
    unsigned index;       /* const */
    pthread_t thread;     /* const */
    int epoll;            /* const */
    int wake;             /* const; eventfd that ends the thread */
    pthread_mutex_t lock; /* see worker_enter() */
    uint32_t visitors;    /* atomic: others that wait for the lock; the worker lets them in */
    bool stop;            /* atomic */
    struct source source[WORKER_SOURCES]; /* lock */

    uint64_t turn_ns;      /* the worker's own: when the last turn began */
    unsigned sparse_turns; /* the worker's own: turns in a row that brought little, see worker.c */

    struct tx tx; /* the worker's own */
    struct rx rx; /* the worker's own */
};

/*
 * Ownership. A worker holds its own `lock` from the moment epoll_wait() returned until it waits
 * again; whoever else takes that lock finds the worker outside of every device, port, peer and key.
 * This one mechanism is both the hand-over of descriptors and the grace period of core/env.h
 * (grace.h). The lock is uncontended in the data path: one pair of atomic operations per burst.
 *
 * Any thread but a worker; several in order of their index.
 */
void worker_enter(struct worker *w);
void worker_leave(struct worker *w);

/* Starts the thread. NULL and errno. */
struct worker *worker_new(unsigned index);
/* Ends the thread and frees the worker. Its sources must have been removed. */
void worker_free(struct worker *w);

/* Registers a readable descriptor; the slot number, or -errno. Call inside worker_enter/leave. */
int worker_add(struct worker *w, const struct source *source);
/* Removes every source with this descriptor. Call inside worker_enter/leave. */
void worker_remove(struct worker *w, int fd);

#endif
