/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks the kernel which way a packet would go: one RTM_GETROUTE for each question, answered within
 * the call, in microseconds. Rules, all tables, local addresses, nexthop objects and VRFs count
 * as they do for a real packet, which is why the kernel is asked. A copy of the tables (routes.c
 * has one of the routes through our devices) would have to copy the rules as well and follow every
 * change of a full Internet table, and would still be a second opinion.
 *
 * No capability is needed for a question, and no lock of the kernel is taken that a change of
 * routes holds. A struct fib belongs to one thread at a time.
 */
#ifndef DCO_PLANE_FIB_H
#define DCO_PLANE_FIB_H

#include "core/addr.h"

struct fib {
    int fd;       /* -1: closed */
    uint32_t seq; /* of the last question */
};

/* What the kernel chooses by. Zero: nothing that it would choose by. */
struct fib_flow {
    struct dco_ip dst;
    struct dco_ip src;     /* family 0: the kernel chooses */
    uint32_t oif;          /* the socket is bound to this device */
    uint32_t mark;         /* SO_MARK */
    uint32_t uid;          /* owner of the socket */
    uint16_t sport, dport; /* UDP; network order */
    bool udp;              /* the two count, and uid */
};

/* -errno. By a thread that may still make sockets. */
int fib_open(struct fib *fib);
void fib_close(struct fib *fib);

enum fib_way {
    FIB_ELSEWHERE, /* to this host, through another device, or refused */
    FIB_DEVICE,    /* through the device; of several equal routes one is enough */
    FIB_DEFAULT,   /* there is no route but the default one of another device, or none at all */
};

/* Which way the flow goes, seen from the device. -errno: the kernel could not answer. */
int fib_leads_to(struct fib *fib, const struct fib_flow *flow, uint32_t ifindex);

/* Rises soon after routes, rules, addresses or links have changed; an answer that was asked for
 * after the number was read holds while it stays. Any thread. */
uint32_t fib_generation(void);
/* Housekeeping. */
void fib_raise_generation(void);

#endif
