/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Housekeeping: one thread for everything that is not a packet of a burst: freeing what workers no
 * longer see, timers and keepalives, routes, path MTUs, and telling the preload layer about events.
 *
 * It touches devices, ports and their descriptors only with plane_devs_lock() held, and calls the
 * preload layer without any lock. housekeeping_stop() joins it and may be called with the preload
 * layer's lock held, so what plane_hooks.on_event was given must not wait for that lock: it returns
 * if the lock is busy and is called again within milliseconds while events wait.
 */
#ifndef DCO_PLANE_HOUSEKEEPING_H
#define DCO_PLANE_HOUSEKEEPING_H

/* openvpn's thread. 0 or -errno. */
int housekeeping_start(void);
void housekeeping_stop(void); /* joins */

/* Ends its wait. Any thread, async-signal-safe; nothing happens while it does not run. */
void housekeeping_wake(void);

#endif
