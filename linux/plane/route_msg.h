/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtnetlink route messages, as far as the plane needs them: what the kernel says of its routes, and
 * what openvpn asks it to change. Every length is checked: a malformed message is refused, never
 * read past. (Source: Linux include/uapi/linux/rtnetlink.h; rtnetlink(7).)
 */
#ifndef DCO_PLANE_ROUTE_MSG_H
#define DCO_PLANE_ROUTE_MSG_H

#include <linux/netlink.h>

#include "core/addr.h"

/* Nexthops that are read of one message; the rest of a larger group is ignored. */
#define ROUTE_HOPS_MAX 256U

/* Two routes with equal keys are one route to the kernel, with several nexthops. Padding is zero.
 */
struct route_key {
    struct dco_ip prefix;
    uint32_t table;
    uint32_t metric;
    uint8_t len;
    uint8_t tos;
    uint8_t zero[2];
};

struct route_hop {
    uint32_t ifindex;      /* 0: a request that leaves the device to the kernel */
    struct dco_ip gateway; /* family 0: on-link; IPv6 behind an IPv4 route is possible */
    bool subnet;           /* the kernel's own route to the subnet of an address of the device */
};

struct route_msg {
    bool add;     /* else deleted */
    bool replace; /* replaces all routes with this key */
    bool append;  /* behind the routes with this key */
    struct route_key key;
    unsigned n; /* 0: no nexthop that a packet could take */
    struct route_hop hop[ROUTE_HOPS_MAX];
};

/* Calls fn for each message of a datagram. Stops at a message that does not fit into it. */
void route_msg_each(const void *buf, size_t len, void (*fn)(const struct nlmsghdr *, void *),
                    void *arg);

/* nlh->nlmsg_len is known to lie inside the buffer. False: not a route of IPv4 or IPv6, or
 * malformed. Routes that do not lead to a device (blackholes), that are local, broadcast or
 * multicast, or copies of the cache, come with n == 0. A request to delete may leave the type of
 * the route out. */
bool route_msg_parse(const struct nlmsghdr *nlh, struct route_msg *msg);

#endif
