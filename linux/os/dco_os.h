/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What core/ needs from its home, for Linux user space: integer types, memory and string
 * primitives, errno values, a lock and a wipe that the compiler keeps. core/ includes nothing else
 * from outside; the FreeBSD kernel supplies its own file of this name.
 */
#ifndef DCO_OS_H
#define DCO_OS_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A lock that may be held for microseconds by any thread. Never held across a system call. */
struct dco_lock {
    pthread_mutex_t mutex;
};

static inline void
dco_lock_init(struct dco_lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
}

static inline void
dco_lock_fini(struct dco_lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static inline void
dco_lock_acquire(struct dco_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

static inline void
dco_lock_release(struct dco_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

/* Overwrites memory that held a secret; never optimised away. */
static inline void
dco_wipe(void *p, size_t len)
{
    explicit_bzero(p, len);
}

#endif
