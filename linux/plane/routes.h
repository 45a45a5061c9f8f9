/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A copy of the routes whose output device is ours, kept by a dump and by notifications; see
 * routes_attach().
 *
 * The kernel does not say everything: IPv4 routes that vanish with their device, their preferred
 * source or their nexthop object go without a message. So changes of our links and addresses and of
 * nexthop objects, an overflow of the socket, a dump that was interrupted, and notifications that
 * arrived in the middle of a dump all lead to another dump.
 *
 * Any notification on its socket, rules included, also ends what workers remember of the kernel's
 * answers (fib.h): at once, and then at most ten times a second.
 *
 * Threads: all but routes_open(), routes_close(), routes_detach() and routes_fork_child() belong to
 * housekeeping. A lock of its own (after devs_lock, before a control lock) guards the copy.
 */
#ifndef DCO_PLANE_ROUTES_H
#define DCO_PLANE_ROUTES_H

#include "linux/plane/dev_private.h"

/* The route socket: opened before privileges go. -errno. */
int routes_open(void);
int routes_fd(void); /* for housekeeping's poll; -1 if not open */
void routes_close(void);
void routes_fork_child(void);

/* A device appeared: dump and publish. Sets dev->routes_attached, unless there are too many devices
 * already. Housekeeping. */
void routes_attach(struct plane_dev *dev);
/* Inside plane_devs_lock(). */
void routes_detach(struct plane_dev *dev);

/* Notifications wait on the socket (or overflowed: ENOBUFS -> dump again). Housekeeping. */
void routes_ready(void);

/* Starts the dump that is due and publishes routes that settled. Returns when to call again at the
 * latest, UINT64_MAX if nothing is due. Housekeeping, each turn. */
uint64_t routes_tick(uint64_t now_ns);

#endif
