/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/worker.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "linux/crypto/aead.h"
#include "linux/plane/platform.h"
#include "linux/plane/stream_rx.h"
#include "linux/sys/calls.h"
#include "linux/sys/clock.h"
#include "linux/sys/outer_filter.h"
#include "linux/sys/sandbox.h"
#include "linux/sys/thread.h"

#define EVENTS      16
#define SLICE_NS    100000U      /* the shortest slice that Linux grants */
#define STACK_BYTES (512U << 10) /* small: with `mlock` the whole stack is locked memory */

/* Batching mode, see worker_pace(). */
#define BATCHING_AFTER_TURNS 8U
#define BATCHING_BYTES       16384U
#define BATCHING_PACKETS     (TX_BURST_READS * 3 / 4)
#define BATCHING_NS          100000U
#define BATCHING_SLEEP_NS    100000

void
worker_enter(struct worker *w)
{
    dco_add(&w->visitors, 1U);
    pthread_mutex_lock(&w->lock);
}

void
worker_leave(struct worker *w)
{
    pthread_mutex_unlock(&w->lock);
    dco_sub(&w->visitors, 1U);
}

/* Visitors go first: with the mutex alone, a busy worker would take its lock again before a waiter
 * wakes up. */
static void
worker_begin(struct worker *w)
{
    while (dco_load(&w->visitors) != 0)
        sched_yield();
    pthread_mutex_lock(&w->lock);
}

static uint64_t
source_token(unsigned slot, uint32_t generation)
{
    return (uint64_t)generation << 32 | slot;
}

uint64_t
worker_token(const struct worker *w, unsigned slot)
{
    return source_token(slot, w->source[slot].generation);
}

/* Doubles the room. A TCP server has a source for each client. */
static bool
sources_grow(struct worker *w)
{
    unsigned room = w->sources > 0 ? 2 * w->sources : WORKER_SOURCES;
    struct source *grown = realloc(w->source, room * sizeof(*grown));

    if (grown == NULL)
        return false;
    memset(grown + w->sources, 0, (room - w->sources) * sizeof(*grown));
    w->source = grown;
    w->sources = room;
    return true;
}

int
worker_add(struct worker *w, const struct source *source)
{
    struct epoll_event ev = {.events = EPOLLIN};
    unsigned i = w->lowest;
    uint32_t generation;

    while (i < w->sources && w->source[i].kind != SOURCE_NONE)
        i++;
    w->lowest = i;
    if (i == w->sources && !sources_grow(w))
        return -ENOMEM;
    generation = w->source[i].generation + 1;
    ev.data.u64 = source_token(i, generation);
    if (sys()->epoll_ctl(w->epoll, EPOLL_CTL_ADD, source->fd, &ev) < 0)
        return -errno;
    w->source[i] = *source;
    w->source[i].generation = generation;
    return (int)i;
}

void
worker_remove_slot(struct worker *w, unsigned slot)
{
    struct source *s = &w->source[slot];

    (void)sys()->epoll_ctl(w->epoll, EPOLL_CTL_DEL, s->fd, NULL);
    *s = (struct source){.generation = s->generation + 1, .fd = -1};
    w->lowest = slot < w->lowest ? slot : w->lowest;
}

void
worker_remove(struct worker *w, int fd)
{
    for (unsigned i = 0; i < w->sources; i++)
        if (w->source[i].kind != SOURCE_NONE && w->source[i].fd == fd)
            worker_remove_slot(w, i);
}

/* The source of an event if it has this kind, else NULL. The source may have been removed after
 * epoll_wait() returned the event; its generation has changed then. */
static struct source *
worker_source(struct worker *w, const struct epoll_event *ev, enum source_kind kind)
{
    uint32_t slot = (uint32_t)ev->data.u64;
    struct source *s = slot < w->sources ? &w->source[slot] : NULL;

    return s != NULL && s->generation == ev->data.u64 >> 32 && s->kind == kind ? s : NULL;
}

/*
 * Decides on batching mode. A one-way stream of small packets wakes the worker for each of them,
 * and leaves as trains of one or two. After BATCHING_AFTER_TURNS such turns the worker sleeps for
 * BATCHING_SLEEP_NS before each turn, so that packets batch up. A packet from the network, a pause,
 * or a queue that filled too far ends the mode, so request/response traffic sees no delay.
 */
static void
worker_pace(struct worker *w, uint64_t now_ns, unsigned queues, int events)
{
    uint32_t most = w->sparse_turns < BATCHING_AFTER_TURNS ? BATCHING_BYTES : 4 * BATCHING_BYTES;
    bool little = queues > 0 && (int)queues == events && w->tx.taken < most &&
                  w->tx.packets < BATCHING_PACKETS && now_ns - w->turn_ns < BATCHING_NS;

    w->sparse_turns = little ? w->sparse_turns + 1 : 0;
    w->turn_ns = now_ns;
    w->tx.taken = w->tx.packets = 0;
}

/* The TUN queues that are ready share the limits of one burst, and their packets are sent together.
 */
static void
worker_turn(struct worker *w, const struct epoll_event *ev, int n)
{
    uint64_t now_ns = clock_now_ns();
    unsigned queues = 0;
    struct source *s;

    for (int i = 0; i < n; i++)
        queues += worker_source(w, &ev[i], SOURCE_TUN) != NULL;
    for (int i = 0; i < n && queues > 0; i++)
        if ((s = worker_source(w, &ev[i], SOURCE_TUN)) != NULL &&
            !tx_read(&w->tx, s->dev, s->fd, queues, now_ns))
            worker_remove(w, s->fd);
    tx_flush(&w->tx, now_ns);
    for (int i = 0; i < n; i++) {
        if ((s = worker_source(w, &ev[i], SOURCE_UDP)) != NULL)
            rx_ready(&w->rx, s->port, s->fd);
        else if ((s = worker_source(w, &ev[i], SOURCE_STREAM)) != NULL &&
                 !stream_ready(&w->rx, s->stream, ev[i].events))
            worker_remove_slot(w, (uint32_t)ev[i].data.u64);
    }
    worker_pace(w, now_ns, queues, n);
}

/* The arguments of sched_setattr(2), first version. */
struct sched_attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period; /* ns; runtime: the slice of a fair thread (Linux 6.12) */
};

/* A short slice lets the worker preempt CPU-bound threads when a packet arrives, without raising
 * its CPU share. Kernels before 6.12 ignore it. Call before the sandbox. */
static void
worker_slice(void)
{
    struct sched_attributes attr = {.size = sizeof(attr)};

    if (outer_filter_kills(SYS_sched_getattr) || outer_filter_kills(SYS_sched_setattr))
        return;
    if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0 ||
        (attr.policy != SCHED_OTHER && attr.policy != SCHED_BATCH))
        return;
    attr.runtime = SLICE_NS;
    (void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

static void *
worker_main(void *arg)
{
    struct worker *w = arg;
    const struct timespec batching_sleep = {.tv_nsec = BATCHING_SLEEP_NS};
    struct epoll_event ev[EVENTS];

    worker_slice();
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    (void)sandbox_enter(w->index); /* the worker runs without a sandbox, too */
    while (!dco_load_acquire(&w->stop)) {
        int n = epoll_wait(w->epoll, ev, EVENTS, -1);

        worker_begin(w);
        worker_turn(w, ev, n);
        pthread_mutex_unlock(&w->lock);
        aead_forget();
        if (w->sparse_turns >= BATCHING_AFTER_TURNS) {
            (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &batching_sleep, NULL);
            w->turn_ns = clock_now_ns();
        }
    }
    sandbox_leave(w->index);
    return NULL;
}

/* The token of the wake event matches no source. 0 or -errno. */
static int
worker_open(struct worker *w)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = UINT64_MAX};

    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (w->epoll < 0)
        return -errno;
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->wake < 0)
        return -errno;
    return sys()->epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->wake, &ev) < 0 ? -errno : 0;
}

static void
worker_release(struct worker *w)
{
    if (w->epoll >= 0)
        sys()->close(w->epoll);
    if (w->wake >= 0)
        sys()->close(w->wake);
    tx_fini(&w->tx);
    rx_fini(&w->rx);
    pthread_mutex_destroy(&w->lock);
    free(w->source);
    free(w);
}

struct worker *
worker_new(unsigned index)
{
    struct worker *w = platform_alloc(sizeof(*w));
    int err;

    if (w == NULL)
        return NULL;
    w->index = index;
    w->epoll = w->wake = -1;
    pthread_mutex_init(&w->lock, NULL);
    err = rx_init(&w->rx, index, &w->tx);
    if (err == 0)
        err = tx_init(&w->tx, index);
    if (err == 0)
        err = worker_open(w);
    if (err == 0)
        err = thread_start(&w->thread, index, STACK_BYTES, worker_main, w);
    if (err == 0)
        return w;
    worker_release(w);
    errno = -err;
    return NULL;
}

void
worker_free(struct worker *w)
{
    dco_store_release(&w->stop, true);
    (void)eventfd_write(w->wake, 1);
    pthread_join(w->thread, NULL);
    worker_release(w);
}
