/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A copy of the host's routes through our devices. A dump fills it and notifications keep it
 * current; see routes_attach(). Those that have a gateway and are not openvpn's own (iroutes.h) are
 * published to the peers of the device, together with the iroutes. A route without a gateway says
 * only that packets enter the tunnel, which they have when they are looked up. An exception is the
 * kernel's own route to the subnet of the device: no wider iroute or route covers its addresses.
 *
 * The kernel sends no notification for IPv4 routes that vanish with their device, their preferred
 * source or their nexthop object. Therefore another dump follows each change of our links and
 * addresses and of nexthop objects, an overflow of the socket, an interrupted dump, and
 * notifications that arrive during a dump.
 *
 * Any notification on the socket, including those of rules, also makes the cached answers of the
 * kernel outdated (fib.h): at once the first time, and then at most ten times a second.
 *
 * Threads: housekeeping calls all functions but routes_open(), routes_close(), routes_detach() and
 * routes_fork_child(). The module's own lock (after devs_lock, before a control lock) guards the
 * copy.
 */
#ifndef DCO_PLANE_ROUTES_H
#define DCO_PLANE_ROUTES_H

#include "linux/plane/dev_private.h"

/* Opens the route socket, before the process gives up its privileges. 0 or -errno. */
int routes_open(void);
int routes_fd(void); /* for housekeeping's poll; -1 if not open */
void routes_close(void);
void routes_fork_child(void);

/* Begins to copy the routes of dev with a dump. Sets dev->routes_attached, unless there are too
 * many devices. Housekeeping. */
void routes_attach(struct plane_dev *dev);
/* Forgets dev and its routes. Inside plane_devs_lock(). */
void routes_detach(struct plane_dev *dev);

/* Reads the notifications that wait on the socket; after an overflow (ENOBUFS) a dump follows.
 * Housekeeping. */
void routes_ready(void);

/* Starts the dump that is due and publishes changed routes. Returns the time of the next call at
 * the latest. Housekeeping, each turn. */
uint64_t routes_tick(uint64_t now_ns);

#endif
