/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the generic netlink controller ("nlctrl") that concerns our families: GETFAMILY by
 * name or by id. Every other question to the controller belongs to the kernel.
 */
#ifndef DCO_ABI_CTRL_H
#define DCO_ABI_CTRL_H

#include "linux/abi/front.h"

/* The family for which request (nlmsg_len bytes, aligned to 4, readable up to the next multiple of
 * 4) is a CTRL_CMD_GETFAMILY; NULL: none of ours. Dumps of all families are not. */
const struct abi_front *ctrl_asks_for(const struct nlmsghdr *request);

/* Emits CTRL_CMD_NEWFAMILY with the group `peers`, and the ACK if it was asked for. */
void ctrl_answer(const struct abi_front *front, const struct netlink_sink *sink,
                 const struct nlmsghdr *request);

#endif
