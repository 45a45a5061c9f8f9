/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications: fills them, and recognises them among what a process has not read yet. Any thread.
 */
#ifndef DCO_NETLINK_NOTIFICATION_H
#define DCO_NETLINK_NOTIFICATION_H

#include <linux/netlink.h>

#include "core/events.h"
#include "linux/netlink/family.h"

#define NL_NOTIFICATION_MAX 96U

/* The notification for event in buf (NL_NOTIFICATION_MAX bytes, aligned to 4); returns its length,
 * or 0 for an event that this family cannot express. */
size_t nl_notification_fill(const struct nl_family *family, void *buf, uint32_t ifindex,
                            const struct dco_event *event);

/* The family whose notification a datagram is, or NULL if it is none of ours. */
const struct nl_family *nl_notification_of(const void *data, size_t len);

/* Which peer a notification, or a request for a new peer or key, is about. */
struct nl_peer_ref {
    uint32_t ifindex, peer_id;
    uint8_t command;
    bool removal; /* it says that the peer was removed */
    bool key;     /* it asks for a new key */
};

/* False if nlh is none of these in this family, or not well formed. nlh is aligned to 4, readable
 * up to the next multiple of 4, and nlmsg_len >= NLMSG_HDRLEN. */
bool nl_peer_ref_of(const struct nl_family *family, const struct nlmsghdr *nlh,
                    struct nl_peer_ref *ref);

#endif
