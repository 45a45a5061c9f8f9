/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the generic netlink controller ("nlctrl") that concerns our families: GETFAMILY by
 * name or by id. Every other question to the controller belongs to the kernel.
 */
#ifndef DCO_NETLINK_NLCTRL_H
#define DCO_NETLINK_NLCTRL_H

#include "linux/netlink/family.h"
#include "linux/netlink/netlink.h"

/* The family for which request (nlmsg_len bytes, aligned to 4, readable up to the next multiple of
 * 4) is a CTRL_CMD_GETFAMILY; NULL: none of ours. Dumps of all families are not. */
const struct nl_family *nlctrl_asks_for(const struct nlmsghdr *request);

/* Emits CTRL_CMD_NEWFAMILY with the group `peers`, and the ACK if it was asked for. */
void nlctrl_answer(const struct nl_family *family, const struct netlink_sink *sink,
                   const struct nlmsghdr *request);

#endif
