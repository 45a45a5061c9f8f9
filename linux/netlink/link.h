/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rtnetlink messages about links of our kinds (`ovpn-dco`, `ovpn`). This module recognises the
 * requests among all others, and makes the kernel's answers about our TUN devices look like those
 * about the driver's devices.
 *
 * The kernel itself delivers the answers, so that they arrive on the socket that asked, in order
 * and visible to poll(). A request that we carry out is replaced by one that the kernel
 * acknowledges and ignores (NLMSG_NOOP). Its nlmsg_pid, which the kernel echoes, holds the result,
 * and link_answer() turns the acknowledgement into that of the original request. link.c shows why
 * no other acknowledgement is taken for one of these.
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
    uint32_t ifindex;               /* 0: not given */
    char name[IFNAMSIZ];            /* "": not given */
    enum dco_mode mode;             /* LINK_NEW */
    const struct nl_family *family; /* LINK_NEW: the family of its kind */
};

/* request: nlmsg_len bytes, aligned to 4 and readable up to the next multiple of 4. */
void link_parse(const struct nlmsghdr *request, struct link_request *link);

/* Whether the kernel would accept this name for a new interface. */
bool link_name_ok(const char *name);

/* For a LINK_NEW request whose device was made, with the index ifindex: rewrites the request in
 * place, so that it applies its other attributes (MTU, flags, ...) to that device. nlmsg_len
 * shrinks. */
void link_becomes_change(struct nlmsghdr *request, uint32_t ifindex);

/* Rewrites a request about a link or a route in place, so that its answer is err (0 or a negative
 * errno). */
void link_becomes_result(struct nlmsghdr *request, int err);

/* Rewrites a datagram of the kernel in place: acknowledgements of link_becomes_result(), and in
 * RTM_NEWLINK the kind of each device for which kind_of() does not return NULL. Returns the new
 * length, which is never larger. data is aligned to 4 and readable up to the next multiple of 4. */
size_t link_answer(void *data, size_t len, const char *(*kind_of)(uint32_t ifindex));

#endif
