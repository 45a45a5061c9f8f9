/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred frees: what was unlinked ends once no worker can see it any more.
 *
 * A worker holds its own lock from the moment epoll_wait() returned until it waits again. After
 * each worker's lock was taken once, no worker is inside a device, a port, a peer or a key that was
 * unlinked before: that is the grace period of core/env.h.
 */
#ifndef DCO_PLANE_GRACE_H
#define DCO_PLANE_GRACE_H

#include "core/env.h"

/* d, which lies in the unlinked object, is run after the next grace period. Any thread; takes a
 * leaf lock. */
void grace_defer(struct dco_deferred *d);

/* Waits for a grace period and runs what was deferred before. Not from a worker, and not inside
 * worker_enter(). */
void grace_synchronize(void);

#endif
