/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects of the core that left sight and end after a grace period: see env.h.
 */
#ifndef DCO_DEFERRED_H
#define DCO_DEFERRED_H

#include "dco_os.h"

/* What is to be ended. A kind and not the address of a function: that address would lie in writable
 * memory, and threads that have more rights than those that write there would call it. */
enum dco_deferred_kind {
    DCO_DEFERRED_KEY = 1,
    DCO_DEFERRED_PEER,
    DCO_DEFERRED_TABLE,
    DCO_DEFERRED_ROUTES,
};

/* Lies inside the object that waits. */
struct dco_deferred {
    struct dco_deferred *next; /* owner: dco_env_defer() */
    uint32_t kind;             /* enum dco_deferred_kind */
};

/* For the platform, once the grace period is over: ends the object in which d lies. */
void dco_deferred_run(struct dco_deferred *d);

/* The object of this type in whose member "deferred" d lies. */
#define dco_deferred_in(d, type) ((type *)(void *)((char *)(d)-offsetof(type, deferred)))

#endif
