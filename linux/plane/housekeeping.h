/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Housekeeping: one thread that does the work beside the bursts of packets. It frees objects that
 * workers no longer see, runs timers, sends keepalives, follows routes and path MTUs, and tells the
 * preload layer about events.
 *
 * It touches devices, ports and their descriptors only with plane_devs_lock() held, and calls the
 * preload layer without any lock. housekeeping_stop() joins it, possibly with the preload layer's
 * lock held, so plane_hooks.on_event must not wait for that lock: it returns if the lock is busy,
 * and is called again within milliseconds while events wait.
 */
#ifndef DCO_PLANE_HOUSEKEEPING_H
#define DCO_PLANE_HOUSEKEEPING_H

/* openvpn's thread. 0 or -errno. */
int housekeeping_start(void);
void housekeeping_stop(void); /* joins */

/* Ends its wait; does nothing while the thread does not run. Any thread, async-signal-safe. */
void housekeeping_wake(void);

#endif
