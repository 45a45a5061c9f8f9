/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MTU that the administrator gave an IPv4 route, or its device, without what the kernel was
 * told by ICMP messages since. One request to the kernel's routing table for each question.
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

/* What a reply says: the route's own MTU, 0 if it has none, and its device. Checks every length.
 * False: no route. */
bool route_mtu_parse(const void *buf, size_t len, unsigned *mtu, uint32_t *oif);

#endif
