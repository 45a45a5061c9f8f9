/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The preload lock serialises everything that changes vfds or calls the plane. The functions of the
 * vfds take it, and never hold it across a call that may wait. It is the first in the lock order.
 *
 * Housekeeping never waits for it: preload_notify() leaves the work to the present holder.
 */
#ifndef DCO_PRELOAD_LOCK_H
#define DCO_PRELOAD_LOCK_H

#include <stdbool.h>

void preload_lock(void);
void preload_unlock(void);

/* Has genl_events() run with the lock held: at once, or, if the lock is busy, by its holder before
 * it unlocks. For threads of the plane. */
void preload_notify(void);

/* Whether this thread is inside the preload layer. Its calls then go to the C library, even on the
 * fd of a vfd. Our own code calls the C library through sys()->..., so this concerns only what
 * libraries (OpenSSL, libmnl, libcap-ng) call on our behalf. Holding the lock implies it. */
bool preload_inside(void);
/* Makes this thread inside without the lock, as threads of the plane are. */
void preload_enter(void);
void preload_leave(void);

/* In the child of fork(): gives up the lock that the parent took before. */
void preload_lock_fork_child(void);

#endif
