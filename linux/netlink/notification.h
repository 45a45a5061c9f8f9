/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills notifications, and recognises them among datagrams that the process has not read yet. Any
 * thread.
 */
#ifndef DCO_NETLINK_NOTIFICATION_H
#define DCO_NETLINK_NOTIFICATION_H

#include <linux/netlink.h>

#include "core/events.h"
#include "linux/netlink/family.h"

#define NL_NOTIFICATION_MAX 96U

/* Writes the notification for event into buf (NL_NOTIFICATION_MAX bytes, aligned to 4). Returns its
 * length, or 0 if the family has no notification for this event. */
size_t nl_notification_fill(const struct nl_family *family, void *buf, uint32_t ifindex,
                            const struct dco_event *event);

/* The family of a notification, or NULL if the datagram is not a notification of ours. */
const struct nl_family *nl_notification_of(const void *data, size_t len);

/* The peer of a notification, or of a request for a new peer or key, or to remove a peer. */
struct nl_peer_ref {
    uint32_t ifindex, peer_id;
    uint8_t command;
    bool removal; /* it reports that the peer was removed */
    bool key;     /* it is a request for a new key */
};

/* False if nlh is neither of these in this family, or malformed. nlh is aligned to 4 and readable
 * up to the next multiple of 4, and nlmsg_len >= NLMSG_HDRLEN. */
bool nl_peer_ref_of(const struct nl_family *family, const struct nlmsghdr *nlh,
                    struct nl_peer_ref *ref);

#endif
