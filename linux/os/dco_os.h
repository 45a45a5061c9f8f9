/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform of core/ in Linux user space: integer types, memory and string primitives, errno
 * values, a lock, a counter, and a wipe that the compiler does not remove. core/ includes nothing
 * else from outside. The FreeBSD kernel module has its own file of this name.
 */
#ifndef DCO_OS_H
#define DCO_OS_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Test builds define DCO_LOCK_CHECKS and record the thread that holds a lock; releases do not. */
#ifdef DCO_LOCK_CHECKS
struct dco_lock_owner {
    uintptr_t thread; /* atomic; 0: nobody */
};

static inline void
dco_lock_owner_set(struct dco_lock_owner *owner, uintptr_t thread)
{
    __atomic_store_n(&owner->thread, thread, __ATOMIC_RELAXED);
}

static inline void
dco_lock_owner_check(const struct dco_lock_owner *owner)
{
    if (__atomic_load_n(&owner->thread, __ATOMIC_RELAXED) != (uintptr_t)pthread_self())
        __builtin_trap();
}
#else
struct dco_lock_owner {
};

static inline void
dco_lock_owner_set(struct dco_lock_owner *owner, uintptr_t thread)
{
    (void)owner;
    (void)thread;
}

static inline void
dco_lock_owner_check(const struct dco_lock_owner *owner)
{
    (void)owner;
}
#endif

/* Any thread may hold a lock for microseconds, never across a system call. */
struct dco_lock {
    pthread_mutex_t mutex;
    struct dco_lock_owner owner;
};

static inline void
dco_lock_init(struct dco_lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
    dco_lock_owner_set(&lock->owner, 0);
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
    dco_lock_owner_set(&lock->owner, (uintptr_t)pthread_self());
}

static inline void
dco_lock_release(struct dco_lock *lock)
{
    dco_lock_owner_set(&lock->owner, 0);
    pthread_mutex_unlock(&lock->mutex);
}

/* Traps in test builds if the calling thread does not hold the lock; costs nothing in others. */
static inline void
dco_lock_assert_held(const struct dco_lock *lock)
{
    dco_lock_owner_check(&lock->owner);
}

/* A number to which many threads add and which few read. Init returns false without memory. */
struct dco_counter {
    uint64_t value; /* atomic */
};

static inline bool
dco_counter_init(struct dco_counter *counter)
{
    counter->value = 0;
    return true;
}

static inline void
dco_counter_fini(struct dco_counter *counter)
{
    (void)counter;
}

static inline void
dco_counter_add(struct dco_counter *counter, uint64_t n)
{
    (void)__atomic_fetch_add(&counter->value, n, __ATOMIC_RELAXED);
}

static inline uint64_t
dco_counter_read(const struct dco_counter *counter)
{
    return __atomic_load_n(&counter->value, __ATOMIC_RELAXED);
}

/* The state of train_check.c for a peer. Housekeeping's, except where it says atomic. */
struct dco_train_check {
    uint64_t answers, trains; /* counters at the end of the last second */
    uint64_t next_ns;         /* time before which no check begins */
    uint32_t to_trains;       /* answers in the last second of trains */
    uint8_t phase;            /* enum phase of train_check.c */
    uint8_t votes, waited, quiet;
};

/* The plane's own data in each peer; core/ only carries it. All fields but `check` are atomic. If
 * two workers write at once, one value may be lost; that costs one needless question or try. */
struct dco_peer_platform {
    uint16_t path_mtu;       /* outer MTU towards the peer, 0: unknown */
    uint32_t gso_refused;    /* refusals of segmentation offload in a row */
    uint64_t gso_off_ns;     /* time before which it is not tried again; 0: it works */
    uint64_t inside_ns;      /* time of the last packet for its remote that came back to us */
    uint64_t move_ns;        /* time of the last decision about its new address */
    uint64_t question_ns;    /* time until which it may cause no more source lookups */
    uint64_t occ_ns;         /* time before which it gets no further answer of occ.c */
    uint16_t occ_rx, occ_tx; /* the longest datagrams with OCC messages so far */
    uint64_t trains;         /* sent to it, of two packets or more */
    uint64_t trains_off_ns;  /* time before which it gets none (train_check.c) */
    uint64_t answers;        /* packets from it */
    struct dco_train_check check;
};

/* Overwrites memory that held a secret. The compiler does not remove it. */
static inline void
dco_wipe(void *p, size_t len)
{
    explicit_bzero(p, len);
}

#endif
