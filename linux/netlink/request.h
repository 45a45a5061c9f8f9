/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes a request of any family from its bytes to its command, and emits the replies.
 *
 * Any thread; calls for one device must not overlap with the end of that device.
 *
 * Two differences from the drivers: lack of memory is ENOSPC, because ENOMEM makes openvpn exit;
 * and a key that was installed before is refused.
 */
#ifndef DCO_NETLINK_REQUEST_H
#define DCO_NETLINK_REQUEST_H

#include "linux/netlink/family.h"
#include "linux/netlink/family_ops.h"
#include "linux/netlink/netlink.h"

/* One request, with its context. */
struct nl_call {
    const struct nl_family *family;
    const struct nl_ops *ops;
    const struct netlink_sink *sink;
    const struct nlmsghdr *request;
    uint32_t ifindex;
    struct dco_peers *peers; /* of the device ifindex */
};

/* Carries out one request for the family and emits its replies. Returns true if the caller must
 * still acknowledge it with *err (0 or a negative errno); a dump needs no acknowledgement. request
 * is aligned to 4 and readable up to the next multiple of 4, and nlmsg_len >= NLMSG_HDRLEN. It may
 * hold key material, which the caller wipes. */
bool nl_request(const struct nl_family *family, const struct nl_ops *ops,
                const struct netlink_sink *sink, const struct nlmsghdr *request, int *err);

/* Whether the request asks for all peers at once. */
bool nl_is_dump(const struct nlmsghdr *request);

/* Emits the acknowledgement. An error echoes the request, unless it may hold key material. */
void nl_request_acknowledge(const struct nl_family *family, const struct netlink_sink *sink,
                            const struct nlmsghdr *request, int err);

#endif
