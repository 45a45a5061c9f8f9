/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Atomic access to naturally aligned scalars and pointers of at most 64 bits. Thin names over the
 * compiler's builtins, so that the same source serves user space, kernels and the thread sanitizer.
 * Names without a suffix are relaxed: they order nothing and are for counters, time stamps and
 * flags that stand alone. Publication uses the _release / _acquire pair.
 */
#ifndef DCO_ATOMIC_H
#define DCO_ATOMIC_H

#include "dco_os.h"

#define dco_load(p)             __atomic_load_n((p), __ATOMIC_RELAXED)
#define dco_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define dco_store(p, v)         __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define dco_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* Both return the value before the operation. */
#define dco_fetch_add(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define dco_fetch_or(p, v)  __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)

/* For counters that order nothing: statistics, and requests to make room. */
#define dco_add(p, v) ((void)__atomic_fetch_add((p), (v), __ATOMIC_RELAXED))
#define dco_sub(p, v) ((void)__atomic_fetch_sub((p), (v), __ATOMIC_RELAXED))

#define dco_exchange(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)

/* Strong compare and swap. True: *p was *expected and is now v. False: *expected is now the value
 * of *p. */
#define dco_cas(p, expected, v)                                                                    \
    __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/* A count of references. dco_ref_get() fails once the count has reached zero. dco_ref_put() returns
 * true to the thread that gave up the last reference; everything that was done under any reference
 * happened before. */
static inline bool
dco_ref_get(uint32_t *refs)
{
    uint32_t n = dco_load(refs);

    while (n != 0) {
        if (dco_cas(refs, &n, n + 1))
            return true;
    }
    return false;
}

static inline bool
dco_ref_put(uint32_t *refs)
{
    return __atomic_fetch_sub(refs, 1, __ATOMIC_ACQ_REL) == 1;
}

#endif
