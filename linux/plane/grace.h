/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred frees: an unlinked object is freed once no worker can see it any more.
 *
 * A worker holds its own lock from the return of epoll_wait() until it waits again. Once each
 * worker's lock has been taken, no worker uses a device, port, peer or key that was unlinked
 * before. This is the grace period of core/env.h.
 */
#ifndef DCO_PLANE_GRACE_H
#define DCO_PLANE_GRACE_H

#include "core/env.h"

/* Runs d, which is part of the unlinked object, after the next grace period. Any thread; takes a
 * leaf lock. */
void grace_defer(struct dco_deferred *d);

/* Waits for a grace period and runs all that was deferred before. Never call it from a worker or
 * inside worker_enter(). */
void grace_synchronize(void);

#endif
