/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers for the generic netlink controller ("nlctrl") the one question about our families:
 * GETFAMILY by name or by id. The kernel answers every other question.
 */
#ifndef DCO_NETLINK_NLCTRL_H
#define DCO_NETLINK_NLCTRL_H

#include "linux/netlink/family.h"
#include "linux/netlink/netlink.h"

/* The family that a CTRL_CMD_GETFAMILY asks for; NULL if it is not one of ours, or if the request
 * is another one, dumps of all families included. request has nlmsg_len bytes, is aligned to 4 and
 * readable up to the next multiple of 4. */
const struct nl_family *nlctrl_asks_for(const struct nlmsghdr *request);

/* Emits CTRL_CMD_NEWFAMILY with the group `peers`, and the acknowledgement if requested. */
void nlctrl_answer(const struct nl_family *family, const struct netlink_sink *sink,
                   const struct nlmsghdr *request);

#endif
