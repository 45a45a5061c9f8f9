/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the generic netlink controller ("nlctrl") that concerns our family: GETFAMILY by name
 * or by id. Every other question to the controller belongs to the kernel.
 */
#ifndef DCO_ABI_CTRL_H
#define DCO_ABI_CTRL_H

#include "linux/abi/netlink.h"

/* Whether request (nlmsg_len bytes, aligned to 4, readable up to the next multiple
 * of 4) is a CTRL_CMD_GETFAMILY for `ovpn-dco-v2`. Dumps
 * of all families are not. */
bool ctrl_asks_for_us(const struct nlmsghdr *request);

/* Emits CTRL_CMD_NEWFAMILY with the group `peers`, and the ACK if it was asked for. */
void ctrl_answer(const struct netlink_sink *sink, const struct nlmsghdr *request);

#endif
