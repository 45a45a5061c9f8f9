/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of a request: from its bytes to the command that carries it out, and back to everything
 * that answers it. The same for all families.
 *
 * Any thread; calls for one device must not overlap with the end of that device.
 *
 * Where it is more lenient than the drivers: lack of memory is ENOSPC, because ENOMEM makes openvpn
 * exit. Where it is stricter: a key that was installed before is refused.
 */
#ifndef DCO_NETLINK_REQUEST_H
#define DCO_NETLINK_REQUEST_H

#include "linux/netlink/family.h"
#include "linux/netlink/family_ops.h"
#include "linux/netlink/netlink.h"

/* One request on its way. */
struct nl_call {
    const struct nl_family *family;
    const struct nl_ops *ops;
    const struct netlink_sink *sink;
    const struct nlmsghdr *request;
    uint32_t ifindex;
    struct dco_peers *peers; /* of the device ifindex */
};

/* Carries out one request for the family and emits its replies. Returns whether it is still to be
 * acknowledged, with *err (0 or a negative errno); a dump is not. request is aligned to 4, readable
 * up to the next multiple of 4, and nlmsg_len >= NLMSG_HDRLEN. May hold key material: the caller
 * wipes it. */
bool nl_request(const struct nl_family *family, const struct nl_ops *ops,
                const struct netlink_sink *sink, const struct nlmsghdr *request, int *err);

/* Emits that acknowledgement. An error echoes the request, unless it may hold key material. */
void nl_request_acknowledge(const struct nl_family *family, const struct netlink_sink *sink,
                            const struct nlmsghdr *request, int err);

#endif
