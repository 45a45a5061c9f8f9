/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/vfd.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/preload/genl.h"
#include "linux/sys/calls.h"

/* Two levels, so that the table costs nothing where there are no vfds, and readers take no lock:
 * chunks are never freed. */
#define CHUNK_FDS 1024
#define CHUNKS    1024

struct chunk {
    struct vfd *vfd[CHUNK_FDS]; /* atomic; writers: table_lock */
};

static struct chunk *chunks[CHUNKS]; /* atomic; writers: table_lock */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t self;         /* atomic; who owns the table: a child of vfork() shares it */
static bool inert;         /* set in children; they have one thread then */
static bool notify_wanted; /* atomic */
static __thread unsigned inside __attribute__((tls_model("initial-exec")));

/* ---- the table ------------------------------------------------------------------------------- */

static struct vfd **
slot_find(int fd)
{
    struct chunk *chunk;

    if (fd < 0 || fd >= CHUNK_FDS * CHUNKS)
        return NULL;
    chunk = __atomic_load_n(&chunks[fd / CHUNK_FDS], __ATOMIC_ACQUIRE);
    return chunk ? &chunk->vfd[fd % CHUNK_FDS] : NULL;
}

/* Table lock held. */
static struct vfd **
slot_make(int fd)
{
    struct chunk *chunk;

    if (fd < 0 || fd >= CHUNK_FDS * CHUNKS)
        return NULL;
    if (!chunks[fd / CHUNK_FDS]) {
        chunk = calloc(1, sizeof(*chunk));
        if (!chunk)
            return NULL;
        __atomic_store_n(&chunks[fd / CHUNK_FDS], chunk, __ATOMIC_RELEASE);
    }
    return slot_find(fd);
}

void
vfd_init(struct vfd *d, enum vfd_kind kind)
{
    memset(d, 0, sizeof(*d));
    d->kind = kind;
    for (unsigned i = 0; i < VFD_WATCHES; i++)
        d->watch[i].epfd = -1;
}

struct vfd *
vfd_get(int fd)
{
    struct vfd **slot = slot_find(fd);
    struct vfd *d;

    if (__builtin_expect(!slot || !__atomic_load_n(slot, __ATOMIC_ACQUIRE), 1))
        return NULL;
    pthread_mutex_lock(&table_lock);
    d = *slot;
    if (d)
        d->refs++;
    pthread_mutex_unlock(&table_lock);
    return d;
}

void
vfd_put(struct vfd *d)
{
    int saved = errno;
    bool last;

    pthread_mutex_lock(&table_lock);
    last = --d->refs == 0;
    pthread_mutex_unlock(&table_lock);
    if (last)
        vfd_ops(d)->fini(d);
    errno = saved;
}

/* Table lock held. Puts d (NULL: nothing) into the slot. The vfd that was there, if any, and
 * whether this was its last number. */
static struct vfd *
slot_replace(struct vfd **slot, struct vfd *d, bool *last)
{
    struct vfd *old = *slot;

    if (d) {
        d->refs++;
        d->fds++;
    }
    __atomic_store_n(slot, d, __ATOMIC_RELEASE);
    *last = old && --old->fds == 0;
    if (*last)
        old->ended = true;
    return old;
}

/* Table lock not held: ends may take a while. */
static void
replaced(struct vfd *old, bool last)
{
    if (!old)
        return;
    if (last && vfd_ops(old)->end) {
        preload_lock();
        vfd_ops(old)->end(old);
        preload_unlock();
    }
    vfd_put(old);
}

/* The table is this process's own, or nobody's yet. */
static bool
is_self(void)
{
    pid_t owner = 0, me = getpid();

    return __atomic_compare_exchange_n(&self, &owner, me, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED) ||
           owner == me;
}

/* What was there was closed behind our back, and the number is used again. */
bool
vfd_set(int fd, struct vfd *d)
{
    struct vfd **slot, *old = NULL;
    bool last = false;

    if (inert || !is_self())
        return false;
    pthread_mutex_lock(&table_lock);
    slot = d->ended ? NULL : slot_make(fd);
    if (slot)
        old = slot_replace(slot, d, &last);
    pthread_mutex_unlock(&table_lock);
    replaced(old, last);
    return slot != NULL;
}

void
vfd_unset(int fd)
{
    struct vfd **slot = slot_find(fd), *old;
    bool last;

    if (!slot || !__atomic_load_n(slot, __ATOMIC_ACQUIRE) ||
        getpid() != __atomic_load_n(&self, __ATOMIC_RELAXED))
        return;
    pthread_mutex_lock(&table_lock);
    old = slot_replace(slot, NULL, &last);
    pthread_mutex_unlock(&table_lock);
    replaced(old, last);
}

void
vfd_each_fd(struct vfd *d, void (*fn)(struct vfd *d, int fd, void *arg), void *arg)
{
    for (int c = 0; c < CHUNKS; c++) {
        if (!chunks[c])
            continue;
        for (int i = 0; i < CHUNK_FDS; i++)
            if (__atomic_load_n(&chunks[c]->vfd[i], __ATOMIC_ACQUIRE) == d)
                fn(d, c * CHUNK_FDS + i, arg);
    }
}

/* ---- swapping -------------------------------------------------------------------------------- */

void
vfd_watched(struct vfd *d, int epfd, int op, const struct epoll_event *event)
{
    struct vfd_watch *found = NULL, *unused = NULL;

    preload_lock();
    for (unsigned i = 0; i < VFD_WATCHES; i++) {
        if (d->watch[i].epfd == epfd)
            found = &d->watch[i];
        else if (d->watch[i].epfd < 0)
            unused = &d->watch[i];
    }
    if (op == EPOLL_CTL_DEL) {
        if (found)
            found->epfd = -1;
    } else if (found || unused) {
        found = found ? found : unused;
        found->epfd = epfd;
        found->event = *event;
    }
    preload_unlock();
}

static void
watches_apply(struct vfd *d, int fd, int op)
{
    for (unsigned i = 0; i < VFD_WATCHES; i++)
        if (d->watch[i].epfd >= 0)
            (void)sys()->epoll_ctl(d->watch[i].epfd, op, fd, &d->watch[i].event);
}

/* epoll knows open files: the old registration would go on firing while a duplicate of the old file
 * lives, so it goes first. */
int
vfd_swap(struct vfd *d, int fd, int with)
{
    int fd_flags = sys()->fcntl(fd, F_GETFD);
    int status = sys()->fcntl(fd, F_GETFL);
    int error = 0;

    if (fd_flags < 0 || status < 0)
        return -errno;
    if (sys()->fcntl(with, F_SETFL, status & (O_NONBLOCK | O_ASYNC)) < 0)
        return -errno;
    watches_apply(d, fd, EPOLL_CTL_DEL);
    if (sys()->dup3(with, fd, fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
        error = -errno;
    watches_apply(d, fd, EPOLL_CTL_ADD);
    return error;
}

/* ---- the lock -------------------------------------------------------------------------------- */

void
preload_lock(void)
{
    pthread_mutex_lock(&lock);
    inside++;
}

/* Whoever wanted a notification while the lock was held has left it to the holder; a wish that
 * comes between the last look and the unlock finds the lock free, here or there. */
void
preload_unlock(void)
{
    int saved = errno;

    for (;;) {
        if (__atomic_exchange_n(&notify_wanted, false, __ATOMIC_ACQ_REL))
            genl_events();
        inside--;
        pthread_mutex_unlock(&lock);
        if (!__atomic_load_n(&notify_wanted, __ATOMIC_ACQUIRE) || pthread_mutex_trylock(&lock) != 0)
            break;
        inside++;
    }
    errno = saved;
}

void
preload_notify(void)
{
    __atomic_store_n(&notify_wanted, true, __ATOMIC_RELEASE);
    if (pthread_mutex_trylock(&lock) != 0)
        return;
    inside++;
    preload_unlock();
}

bool
preload_inside(void)
{
    return inside > 0;
}

void
preload_enter(void)
{
    inside++;
}

void
preload_leave(void)
{
    inside--;
}

/* ---- fork ------------------------------------------------------------------------------------ */

static void
fork_child_fd(struct vfd **slot, int fd)
{
    struct vfd *d = *slot;

    *slot = NULL;
    if (d && --d->fds == 0 && vfd_ops(d)->fork_child)
        vfd_ops(d)->fork_child(d, fd);
}

/* The child has one thread; the locks may have been held by another one of the parent's. */
static void
locks_renew(void)
{
    pthread_mutex_init(&table_lock, NULL);
    pthread_mutex_init(&lock, NULL);
    notify_wanted = false;
    inside = 0;
    __atomic_store_n(&self, getpid(), __ATOMIC_RELAXED);
}

void
vfd_fork_child(bool keep)
{
    locks_renew();
    if (keep)
        return;
    inert = true;
    for (int c = 0; c < CHUNKS; c++)
        for (int i = 0; chunks[c] && i < CHUNK_FDS; i++)
            fork_child_fd(&chunks[c]->vfd[i], c * CHUNK_FDS + i);
}
