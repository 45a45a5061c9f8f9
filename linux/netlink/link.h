/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few rtnetlink messages that concern links of our kinds (`ovpn-dco`, `ovpn`): recognising them
 * among all others, and making the kernel's answers about our TUN devices look as the driver's
 * would.
 *
 * The kernel itself carries the answers, so that they arrive on the socket that asked, in order and
 * pollable: a request of ours is replaced by one that the kernel acknowledges and ignores
 * (NLMSG_NOOP), with the result hidden in nlmsg_pid, which the kernel echoes; link_answer() turns
 * the acknowledgement into that of the original request. link.c proves that no other
 * acknowledgement is taken for one of these.
 */
#ifndef DCO_NETLINK_LINK_H
#define DCO_NETLINK_LINK_H

#include <linux/netlink.h>
#include <net/if.h>

#include "core/peers.h"
#include "linux/netlink/family.h"

enum link_what {
    LINK_OTHER,
    LINK_NEW,    /* RTM_NEWLINK of one of our kinds */
    LINK_DELETE, /* RTM_DELLINK of index or name */
    LINK_GET,    /* RTM_GETLINK, one or a dump: answers may be about our devices */
};

struct link_request {
    enum link_what what;
    int error;                      /* LINK_NEW: negative errno if its attributes are not valid */
    uint32_t ifindex;               /* 0: none given */
    char name[IFNAMSIZ];            /* "": none given */
    enum dco_mode mode;             /* LINK_NEW */
    const struct nl_family *family; /* LINK_NEW: whose kind it is */
};

/* request: nlmsg_len bytes, aligned to 4 and readable up to the next multiple of 4. */
void link_parse(const struct nlmsghdr *request, struct link_request *link);

/* Whether the kernel would accept this as the name of a new interface. */
bool link_name_ok(const char *name);

/* Rewrites a LINK_NEW request in place, after the device was made with index ifindex, into one that
 * applies its remaining attributes (MTU, flags, ...) to that device; nlmsg_len shrinks. */
void link_becomes_change(struct nlmsghdr *request, uint32_t ifindex);

/* Rewrites a request in place into one that is answered with err (0 or a negative errno). */
void link_becomes_result(struct nlmsghdr *request, int err);

/* Rewrites a datagram that the kernel sent, in place: acknowledgements of link_becomes_result(),
 * and the kind in RTM_NEWLINK of devices for which kind_of() knows one (else NULL). The datagram
 * never grows; returns its new length. data is aligned to 4 and readable up to the next multiple of
 * 4. */
size_t link_answer(void *data, size_t len, const char *(*kind_of)(uint32_t ifindex));

#endif
