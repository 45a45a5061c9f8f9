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

#define WORKER_SOURCES 128U /* descriptors of one worker for which there is room at first */

/* A readable descriptor of a worker's epoll set. */
enum source_kind { SOURCE_NONE, SOURCE_TUN, SOURCE_UDP, SOURCE_STREAM };

struct stream;

struct source {
    enum source_kind kind; /* owner: worker.lock */
    uint32_t generation;   /* worker.lock; tells a stale epoll event from a live one */
    int fd;                /* worker.lock */
    union {
        struct plane_dev *dev;   /* SOURCE_TUN */
        struct plane_port *port; /* SOURCE_UDP */
        struct stream *stream;   /* SOURCE_STREAM */
    };
};

struct worker {
    unsigned index;        /* const */
    pthread_t thread;      /* const */
    int epoll;             /* const */
    int wake;              /* const; eventfd that ends the thread */
    pthread_mutex_t lock;  /* see worker_enter() */
    uint32_t visitors;     /* atomic: threads that hold the lock or wait for it; they go first */
    bool stop;             /* atomic */
    struct source *source; /* lock; owned */
    unsigned sources;      /* lock; room in source */
    unsigned lowest;       /* lock; no source below it is unused */

    uint64_t turn_ns;      /* the worker's own: when the last turn began */
    unsigned sparse_turns; /* the worker's own: turns in a row with few packets; worker_pace() */

    struct tx tx; /* the worker's own */
    struct rx rx; /* the worker's own */
};

/*
 * Ownership. A worker holds its own `lock` from the return of epoll_wait() until it waits again. A
 * thread that holds this lock knows that the worker uses no device, port, peer or key. The lock
 * serves two purposes: it hands over descriptors, and it makes the grace period of core/env.h
 * (grace.h). It is uncontended in the data path and costs one pair of atomic operations per burst.
 *
 * Any thread except workers. A thread that enters several workers takes them in order of index.
 */
void worker_enter(struct worker *w);
void worker_leave(struct worker *w);

/* Makes a worker and starts its thread. NULL with errno set if that fails. */
struct worker *worker_new(unsigned index);
/* Ends the thread and frees the worker. Its sources must have been removed. */
void worker_free(struct worker *w);

/* Registers a readable descriptor. Returns the slot number or -errno. Inside worker_enter(). */
int worker_add(struct worker *w, const struct source *source);
/* Removes every source with this descriptor. Inside worker_enter(). */
void worker_remove(struct worker *w, int fd);
/* Removes one source, whose descriptor is still open. Inside worker_enter(), or its worker. */
void worker_remove_slot(struct worker *w, unsigned slot);
/* What the epoll set has as the data of a source. Inside worker_enter(). */
uint64_t worker_token(const struct worker *w, unsigned slot);

#endif
