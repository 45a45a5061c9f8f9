/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtnetlink route messages, as far as the copy of the routes needs them. The sender is the kernel,
 * but every length is checked: a malformed message is refused, never read past.
 * (Source: Linux include/uapi/linux/rtnetlink.h; rtnetlink(7).)
 */
#ifndef DCO_PLANE_ROUTE_MSG_H
#define DCO_PLANE_ROUTE_MSG_H

#include <linux/netlink.h>

#include "core/addr.h"

/* Nexthops of one message that are looked at; the rest of a larger group is not used. */
#define ROUTE_HOPS_MAX 256U

/* What makes two routes the same route to the kernel, nexthops apart. Padding is zero. */
struct route_key {
    struct dco_ip prefix;
    uint32_t table;
    uint32_t metric;
    uint8_t len;
    uint8_t tos;
    uint8_t zero[2];
};

struct route_hop {
    uint32_t ifindex;
    struct dco_ip gateway; /* family 0: on-link; IPv6 behind an IPv4 route is possible */
};

struct route_msg {
    bool add;     /* else deleted */
    bool replace; /* takes the place of all routes with this key */
    struct route_key key;
    unsigned n; /* 0: nothing a packet could take */
    struct route_hop hop[ROUTE_HOPS_MAX];
};

/* Calls fn for each message of a datagram; what follows a message that does not fit is ignored. */
void route_msg_each(const void *buf, size_t len, void (*fn)(const struct nlmsghdr *, void *),
                    void *arg);

/* nlh->nlmsg_len is known to lie inside the buffer. False: not a route of IPv4 or IPv6, or
 * malformed. Routes that do not lead to a device (blackholes), that are local, broadcast or
 * multicast, or copies of the cache, come with n == 0. */
bool route_msg_parse(const struct nlmsghdr *nlh, struct route_msg *msg);

#endif
