/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The preload lock: it serialises everything that changes vfds or calls the plane. Taken by the
 * functions of the vfds, never across a call that may wait. First in the lock order.
 *
 * Housekeeping never waits for it: preload_notify() leaves the work to the present holder.
 */
#ifndef DCO_PRELOAD_LOCK_H
#define DCO_PRELOAD_LOCK_H

#include <stdbool.h>

void preload_lock(void);
void preload_unlock(void);

/* Runs genl_events() with the lock held: now, or, if the lock is busy, by its present holder before
 * it unlocks. For threads of the plane. */
void preload_notify(void);

/* Whether this thread is inside the preload layer; its calls then go to the C library, whatever
 * vfd they name. Our own code calls the C library through sys()->..., so this concerns only what
 * libraries (OpenSSL, libmnl, libcap-ng) call on our behalf. Holding the lock implies it. */
bool preload_inside(void);
/* For a thread of the plane, and for other stretches without the lock. */
void preload_enter(void);
void preload_leave(void);

/* In the child of fork(), whose only thread holds no lock: another thread of the parent may have
 * held it. */
void preload_lock_fork_child(void);

#endif
