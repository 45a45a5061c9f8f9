/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects of the core that were unlinked and are freed after a grace period: see env.h.
 */
#ifndef DCO_DEFERRED_H
#define DCO_DEFERRED_H

#include "dco_os.h"

/* The type of the object. It is not the address of a function: that would lie in writable memory,
 * and threads with more rights than the one that wrote it would call it. */
enum dco_deferred_kind {
    DCO_DEFERRED_KEY = 1,
    DCO_DEFERRED_PEER,
    DCO_DEFERRED_TABLE,
    DCO_DEFERRED_ROUTES,
};

/* A member of the object that waits. */
struct dco_deferred {
    struct dco_deferred *next; /* owner: dco_env_defer() */
    uint32_t kind;             /* enum dco_deferred_kind */
};

/* Frees the object that contains d. The platform calls it when the grace period is over. */
void dco_deferred_run(struct dco_deferred *d);

/* The object of this type whose member "deferred" is d. */
#define dco_deferred_in(d, type) ((type *)(void *)((char *)(d)-offsetof(type, deferred)))

#endif
