/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker: one thread that owns some queues of each TUN device and one member of each port group.
 * It waits in epoll, takes one bounded burst from all TUN queues that are ready and one from each
 * port, and waits again, so that no flow, port or direction starves another.
 */
#ifndef DCO_PLANE_WORKER_H
#define DCO_PLANE_WORKER_H

#include "linux/plane/internal.h"
#include "linux/plane/rx.h"
#include "linux/plane/tx.h"

#define WORKER_SOURCES 128U /* descriptors of one worker: devices plus group members */

struct worker {
    unsigned index;       /* const; also the thread in dco_aead_*() */
    pthread_t thread;     /* const */
    int epoll;            /* const */
    int wake;             /* const; eventfd that ends the thread */
    pthread_mutex_t lock; /* see internal.h */
    uint32_t visitors;    /* atomic: others that wait for the lock; the worker lets them in */
    bool stop;            /* atomic */
    struct source source[WORKER_SOURCES]; /* lock */

    uint64_t turn_ns;      /* the worker's own: when the last turn began */
    unsigned sparse_turns; /* the worker's own: turns in a row that brought little, see worker.c */

    struct dco_drops *drops; /* the worker's own: this worker's counters of the burst's device */
    struct tx tx;            /* the worker's own */
    struct rx rx;            /* the worker's own */
};

/* Starts the thread. NULL and errno. */
struct worker *worker_new(unsigned index);
/* Ends the thread and frees the worker. Its sources must have been removed. */
void worker_free(struct worker *w);

/* Registers a readable descriptor; the slot number, or -errno. Call inside worker_enter/leave. */
int worker_add(struct worker *w, const struct source *source);
/* Removes every source with this descriptor. Call inside worker_enter/leave. */
void worker_remove(struct worker *w, int fd);

static inline void
worker_drop(struct worker *w, enum dco_drop reason, uint64_t n)
{
    if (reason < DCO_DROP_COUNT)
        dco_store(&w->drops->count[reason], w->drops->count[reason] + n);
}

#endif
