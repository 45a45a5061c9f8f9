/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MTU that the administrator set for an IPv4 route or its device, regardless of what the kernel
 * learnt from ICMP messages. Each question is one request to the kernel's routing table, and one
 * more for the device if the route has no MTU.
 */
#ifndef DCO_PLANE_ROUTE_MTU_H
#define DCO_PLANE_ROUTE_MTU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"

struct route_question {
    struct dco_ip remote, local; /* local: family 0 if any */
    uint32_t oif, mark;          /* 0: any, none */
};

/* In bytes, 0 if unknown. fd: of rtnl_query_open(). Housekeeping; never waits. */
unsigned route_mtu_get(int fd, const struct route_question *q);

/* Reads the route's own MTU, 0 if it has none, and its device from a reply. Checks every length.
 * False: the reply is no route. */
bool route_mtu_parse(const void *buf, size_t len, unsigned *mtu, uint32_t *oif);

#endif
