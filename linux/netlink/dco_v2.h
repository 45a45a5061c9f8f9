/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic netlink family `ovpn-dco-v2` as OpenVPN 2.6 speaks it: commands in, replies and
 * notifications out. Numbers, ranges and errno values are those of the out-of-tree driver's
 * include/uapi/linux/ovpn_dco.h and drivers/net/ovpn-dco/netlink.c; docs/abi.md shows the tables.
 * The module defines nl_dco_v2 of family.h.
 *
 * It is stricter than the driver in one point: it refuses peer ids beyond 24 bits (the wire format)
 * and key ids beyond 3 bits.
 */
#ifndef DCO_NETLINK_DCO_V2_H
#define DCO_NETLINK_DCO_V2_H

#include "linux/netlink/family.h"

#define DCO_V2_NAME "ovpn-dco-v2"
/* The kernel gives its families ids below 1024, so no other family has this one. The multicast
 * group has the same number; the kernel counts groups from 1. */
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

/* Top level, after the interface. Each holds the attributes of the command with its name. */
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
