/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MTU that the administrator set for an IPv4 route or its device, regardless of what the kernel
 * learnt from ICMP messages. Each question is one request to the kernel's routing table, and one
 * more for the device if the route has no MTU.
 */
#ifndef DCO_PLANE_ROUTE_MTU_H
#define DCO_PLANE_ROUTE_MTU_H

#include "linux/plane/fib.h"

/* In bytes, 0 if unknown. Housekeeping; never waits. */
unsigned route_mtu_get(struct fib *fib, const struct fib_flow *flow);

#endif
