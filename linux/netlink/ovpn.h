/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic netlink family `ovpn` of Linux 6.16 and later, as OpenVPN 2.7 speaks it. Numbers,
 * ranges and errno values are those of include/uapi/linux/ovpn.h,
 * Documentation/netlink/specs/ovpn.yaml and drivers/net/ovpn/netlink.c; docs/abi.md shows the
 * tables. What this module offers is nl_ovpn in family.h.
 *
 * Where it differs from the driver: PEER_SET changes timers only (-EOPNOTSUPP for addresses, which
 * openvpn never sends); keepalive interval and timeout are independent, 0 switches one off, and
 * both may be as long as 32 bits can say; a VPN address may belong to two peers, of which the
 * newest has it, as in openvpn's own table, and be any but zero; TCP sockets are refused
 * (-ENOTSOCK), as is the peer id 0xffffff (-EINVAL), which on the wire means "look me up by my
 * address"; requests to get a peer or a key hold nothing that does not name it; errors carry no
 * text (NLMSGERR_ATTR_MSG).
 */
#ifndef DCO_NETLINK_OVPN_H
#define DCO_NETLINK_OVPN_H

#include "linux/netlink/family.h"

#define OVPN_NAME "ovpn"
/* Beyond what the kernel gives out, and not DCO_V2_FAMILY_ID. */
#define OVPN_FAMILY_ID 0x7d03

enum ovpn_command {
    OVPN_PEER_NEW = 1,
    OVPN_PEER_SET,
    OVPN_PEER_GET,
    OVPN_PEER_DEL,
    OVPN_PEER_DEL_NTF,
    OVPN_KEY_NEW,
    OVPN_KEY_GET,
    OVPN_KEY_SWAP,
    OVPN_KEY_SWAP_NTF,
    OVPN_KEY_DEL,
    OVPN_PEER_FLOAT_NTF,
};

/* Top level, after the interface. */
enum ovpn_attr { OVPN_A_PEER = 2, OVPN_A_KEYCONF };

#endif
