/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic netlink family `ovpn` of Linux 6.16 and later, as OpenVPN 2.7 speaks it. Numbers,
 * ranges and errno values are those of include/uapi/linux/ovpn.h,
 * Documentation/netlink/specs/ovpn.yaml and drivers/net/ovpn/netlink.c; docs/abi.md shows the
 * tables. The module defines nl_ovpn of family.h.
 *
 * It differs from the driver in these points:
 * - PEER_SET changes timers only; addresses, which openvpn never sends, are -EOPNOTSUPP.
 * - Keepalive interval and timeout are independent, 0 switches one off, and both may have any value
 *   of 32 bits.
 * - Two peers may have one VPN address, and then the newer one gets its packets, as in openvpn's
 * own table. A VPN address may be any but zero.
 * - TCP sockets are -ENOTSOCK. The peer id 0xffffff is -EINVAL, because on the wire it means "find
 *   me by my address".
 * - Requests to get a peer or a key hold only the attributes that name it.
 * - Errors have no text (NLMSGERR_ATTR_MSG).
 */
#ifndef DCO_NETLINK_OVPN_H
#define DCO_NETLINK_OVPN_H

#include "linux/netlink/family.h"

#define OVPN_NAME "ovpn"
/* Above the ids of the kernel's families, and not DCO_V2_FAMILY_ID. */
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
