/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What core/ needs from its platform, for the FreeBSD kernel: integer types, memory primitives,
 * errno values, a lock, a counter and a wipe that the compiler keeps.
 */
#ifndef DCO_OS_H
#define DCO_OS_H

#include <sys/param.h>
#include <sys/systm.h>
#include <sys/counter.h>
#include <sys/errno.h>
#include <sys/lock.h>
#include <sys/malloc.h>
#include <sys/mutex.h>
#include <sys/stddef.h>
#include <sys/stdint.h>

/* Held for microseconds and never across a sleep, so that holders may be inside epoch(9). */
struct dco_lock {
    struct mtx mtx;
};

static inline void
dco_lock_init(struct dco_lock *lock)
{
    mtx_init(&lock->mtx, "if_ovpn core", NULL, MTX_DEF);
}

static inline void
dco_lock_fini(struct dco_lock *lock)
{
    mtx_destroy(&lock->mtx);
}

static inline void
dco_lock_acquire(struct dco_lock *lock)
{
    mtx_lock(&lock->mtx);
}

static inline void
dco_lock_release(struct dco_lock *lock)
{
    mtx_unlock(&lock->mtx);
}

/* The calling thread holds it: a panic with INVARIANTS if not, costs nothing without. */
static inline void
dco_lock_assert_held(const struct dco_lock *lock)
{
    mtx_assert(&lock->mtx, MA_OWNED);
}

/* A number that every core adds to without a line of memory between them. */
struct dco_counter {
    counter_u64_t value;
};

static inline bool
dco_counter_init(struct dco_counter *counter)
{
    counter->value = counter_u64_alloc(M_NOWAIT);
    return counter->value != NULL;
}

static inline void
dco_counter_fini(struct dco_counter *counter)
{
    counter_u64_free(counter->value);
}

static inline void
dco_counter_add(struct dco_counter *counter, uint64_t n)
{
    counter_u64_add(counter->value, (int64_t)n);
}

static inline uint64_t
dco_counter_read(const struct dco_counter *counter)
{
    return counter_u64_fetch(counter->value);
}

/* The module keeps nothing with a peer. */
struct dco_peer_platform {
};

static inline void
dco_wipe(void *p, size_t len)
{
    explicit_bzero(p, len);
}

#endif
