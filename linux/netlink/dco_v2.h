/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic netlink family `ovpn-dco-v2` as OpenVPN 2.6 speaks it: commands in, replies and
 * notifications out. Numbers, ranges and errno values are those of the out-of-tree driver's
 * include/uapi/linux/ovpn_dco.h and drivers/net/ovpn-dco/netlink.c; docs/abi.md shows the tables.
 * What this module offers is nl_dco_v2 in family.h.
 *
 * Where it is stricter than the driver: ids beyond 24 bits (wire format) and key ids beyond 3 bits
 * are refused.
 */
#ifndef DCO_NETLINK_DCO_V2_H
#define DCO_NETLINK_DCO_V2_H

#include "linux/netlink/family.h"

#define DCO_V2_NAME "ovpn-dco-v2"
/* The kernel gives ids below 1024 to families, so this one is never another's; the same number
 * stands for the group, of which the kernel counts from 1. */
#define DCO_V2_FAMILY_ID 0x7d02

enum dco_v2_command {
    DCO_V2_NEW_PEER = 1,
    DCO_V2_SET_PEER,
    DCO_V2_DEL_PEER,
    DCO_V2_NEW_KEY,
    DCO_V2_SWAP_KEYS,
    DCO_V2_DEL_KEY,
    DCO_V2_GET_PEER,
};

/* Top level, after the interface; 2..8 are nests of the command with the same name. */
enum dco_v2_attr {
    DCO_V2_A_NEW_PEER = 2,
    DCO_V2_A_SET_PEER,
    DCO_V2_A_DEL_PEER,
    DCO_V2_A_NEW_KEY,
    DCO_V2_A_SWAP_KEYS,
    DCO_V2_A_DEL_KEY,
    DCO_V2_A_GET_PEER,
};

#endif
