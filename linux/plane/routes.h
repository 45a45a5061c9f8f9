/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A copy of the routes whose output device is ours, kept by a dump and by notifications; see
 * internal.h for the entry points. struct plane_dev.routes is a struct dev_routes.
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

#include "linux/plane/internal.h"

/* Starts the dump that is due and publishes routes that settled. Returns when to call again at the
 * latest, UINT64_MAX if nothing is due. Housekeeping, each turn. */
uint64_t routes_tick(uint64_t now_ns);

#endif
