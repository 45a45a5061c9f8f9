/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks the kernel which way a packet would go. Each question is one RTM_GETROUTE, which the kernel
 * answers within the call, in microseconds. The answer honours rules, all tables, local addresses,
 * nexthop objects and VRFs as for a real packet. A copy of all tables (routes.c has one of the
 * routes through our devices) would have to follow the rules and each change of a full Internet
 * table, and could still differ from the kernel.
 *
 * A question needs no capability and takes no kernel lock that a change of routes holds. A struct
 * fib belongs to one thread at a time.
 */
#ifndef DCO_PLANE_FIB_H
#define DCO_PLANE_FIB_H

#include <stddef.h>
#include <sys/types.h>

#include "core/addr.h"

struct fib {
    int fd;       /* -1: closed */
    uint32_t seq; /* of the last question */
};

/* The properties of a packet by which the kernel chooses a route. Zero: the property is not given.
 */
struct fib_flow {
    struct dco_ip dst;
    struct dco_ip src;     /* family 0: the kernel chooses */
    uint32_t oif;          /* the socket is bound to this device */
    uint32_t mark;         /* SO_MARK */
    uint32_t uid;          /* owner of the socket */
    uint16_t sport, dport; /* UDP; network order */
    bool udp;              /* uid, sport and dport are given */
};

/* 0 or -errno. Before the thread gives up the right to make sockets. */
int fib_open(struct fib *fib);
void fib_close(struct fib *fib);

/* Asks for the entry of the table that the flow, which has a dst, would take, with all its nexthops
 * and without what the kernel learnt from ICMP messages. The first message in answer (aligned to 4)
 * is RTM_NEWROUTE, or NLMSG_ERROR where there is none; its length was checked. Returns the length
 * of the answer in bytes, or -errno. */
ssize_t fib_ask(struct fib *fib, const struct fib_flow *flow, void *answer, size_t size);

enum fib_way {
    FIB_ELSEWHERE, /* to this host, through another device, or refused */
    FIB_DEVICE,    /* through the device, at least by one of several nexthops */
    FIB_DEFAULT,   /* no route, or only the default route of another device */
};

/* An enum fib_way for the flow and the device ifindex. -errno: the kernel could not answer. */
int fib_leads_to(struct fib *fib, const struct fib_flow *flow, uint32_t ifindex);

/* A number that rises soon after routes, rules, addresses or links change. Read it before the
 * question: the answer is valid as long as the number stays the same. Any thread. */
uint32_t fib_generation(void);
/* Makes all earlier answers outdated. Housekeeping. */
void fib_raise_generation(void);

#endif
