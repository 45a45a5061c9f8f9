/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/vfd.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/atomic.h"
#include "linux/preload/lock.h"

#define CHUNK_FDS 1024
#define CHUNKS    1024

struct chunk {
    struct vfd *vfd[CHUNK_FDS]; /* atomic; writers: table lock */
};

/* One per process, like the descriptors. It has two levels, so ranges of fds without vfds need no
 * memory. Readers take no lock, because chunks are never freed. */
static struct {
    pthread_mutex_t lock;
    struct chunk *chunks[CHUNKS]; /* atomic; writers: lock */
    pid_t owner; /* atomic; 0 before the first vfd. A child of vfork() shares the table */
    bool inert;  /* set in a child of fork() while it has one thread */
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct vfd **
slot_find(int fd)
{
    struct chunk *chunk;

    if (fd < 0 || fd >= CHUNK_FDS * CHUNKS)
        return NULL;
    chunk = dco_load_acquire(&table.chunks[fd / CHUNK_FDS]);
    return chunk != NULL ? &chunk->vfd[fd % CHUNK_FDS] : NULL;
}

/* Table lock held. */
static struct vfd **
slot_make(int fd)
{
    struct chunk *chunk;

    if (fd < 0 || fd >= CHUNK_FDS * CHUNKS)
        return NULL;
    if (table.chunks[fd / CHUNK_FDS] == NULL) {
        chunk = calloc(1, sizeof(*chunk));
        if (chunk == NULL)
            return NULL;
        dco_store_release(&table.chunks[fd / CHUNK_FDS], chunk);
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

    if (__builtin_expect(slot == NULL || dco_load_acquire(slot) == NULL, 1))
        return NULL;
    pthread_mutex_lock(&table.lock);
    d = *slot;
    if (d != NULL)
        d->refs++;
    pthread_mutex_unlock(&table.lock);
    return d;
}

void
vfd_put(struct vfd *d)
{
    int saved = errno;
    bool last;

    pthread_mutex_lock(&table.lock);
    last = --d->refs == 0;
    pthread_mutex_unlock(&table.lock);
    if (last)
        vfd_ops(d)->fini(d);
    errno = saved;
}

/* Table lock held. Puts d (NULL: nothing) into the slot. Returns the vfd that was there, or NULL;
 * *last: this was its last fd. */
static struct vfd *
slot_replace(struct vfd **slot, struct vfd *d, bool *last)
{
    struct vfd *old = *slot;

    if (d != NULL) {
        d->refs++;
        d->fds++;
    }
    dco_store_release(slot, d);
    *last = old != NULL && --old->fds == 0;
    if (*last)
        old->ended = true;
    return old;
}

/* Ends the vfd if that was its last fd, and gives up the reference of the fd. Table lock not held,
 * because end() may take long. */
static void
replaced(struct vfd *old, bool last)
{
    if (old == NULL)
        return;
    if (last && vfd_ops(old)->end != NULL) {
        preload_lock();
        vfd_ops(old)->end(old);
        preload_unlock();
    }
    vfd_put(old);
}

/* Whether the table belongs to this process. The first process to ask gets it. */
static bool
is_self(void)
{
    pid_t owner = 0, me = getpid();

    return dco_cas(&table.owner, &owner, me) || owner == me;
}

/* If a vfd is still there, a call that we do not intercept closed its fd, and the kernel has given
 * the fd to another file. */
bool
vfd_set(int fd, struct vfd *d)
{
    struct vfd **slot, *old = NULL;
    bool last = false;

    if (table.inert || !is_self())
        return false;
    pthread_mutex_lock(&table.lock);
    slot = d->ended ? NULL : slot_make(fd);
    if (slot != NULL)
        old = slot_replace(slot, d, &last);
    pthread_mutex_unlock(&table.lock);
    replaced(old, last);
    return slot != NULL;
}

void
vfd_unset(int fd)
{
    struct vfd **slot = slot_find(fd), *old;
    bool last;

    if (slot == NULL || dco_load_acquire(slot) == NULL || getpid() != dco_load(&table.owner))
        return;
    pthread_mutex_lock(&table.lock);
    old = slot_replace(slot, NULL, &last);
    pthread_mutex_unlock(&table.lock);
    replaced(old, last);
}

void
vfd_each_fd(struct vfd *d, void (*fn)(struct vfd *d, int fd, void *arg), void *arg)
{
    for (int c = 0; c < CHUNKS; c++) {
        if (table.chunks[c] == NULL)
            continue;
        for (int i = 0; i < CHUNK_FDS; i++)
            if (dco_load_acquire(&table.chunks[c]->vfd[i]) == d)
                fn(d, c * CHUNK_FDS + i, arg);
    }
}

static void
fork_child_fd(struct vfd **slot, int fd)
{
    struct vfd *d = *slot;

    *slot = NULL;
    if (d != NULL && --d->fds == 0 && vfd_ops(d)->fork_child != NULL)
        vfd_ops(d)->fork_child(d, fd);
}

void
vfd_fork_child(bool keep)
{
    pthread_mutex_init(&table.lock, NULL);
    dco_store(&table.owner, getpid());
    if (keep)
        return;
    table.inert = true;
    for (int c = 0; c < CHUNKS; c++)
        for (int i = 0; table.chunks[c] != NULL && i < CHUNK_FDS; i++)
            fork_child_fd(&table.chunks[c]->vfd[i], c * CHUNK_FDS + i);
}
