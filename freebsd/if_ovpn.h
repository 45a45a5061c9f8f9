/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ABI of ovpn(4): commands of SIOCSDRVSPEC and SIOCGDRVSPEC, whose ifd_data is a packed
 * nvlist(9), and the numbers inside those lists. Binary compatible with the driver of the FreeBSD
 * base system (14.0 and later); openvpn 2.6 and 2.7 are its users. Addresses and ports in a list
 * are in network order, as they lie in a sockaddr.
 */
#ifndef _NET_IF_OVPN_H_
#define _NET_IF_OVPN_H_

#include <sys/ioccom.h>

#define OVPN_MAX_REQUEST_SIZE 4096 /* bytes of a packed request */

/* S: SIOCSDRVSPEC, G: SIOCGDRVSPEC. 9 was OVPN_SEND_PKT and is not used again. */
#define OVPN_NEW_PEER       _IO('D', 1)  /* S {peerid, fd, remote, [local, vpn_ipv4, vpn_ipv6]} */
#define OVPN_DEL_PEER       _IO('D', 2)  /* S {peerid} */
#define OVPN_GET_STATS      _IO('D', 3)  /* G -> {lost_ctrl, lost_data, ...} each {in, out} */
#define OVPN_NEW_KEY        _IO('D', 4)  /* S {slot, keyid, peerid, encrypt, decrypt} */
#define OVPN_SWAP_KEYS      _IO('D', 5)  /* S {peerid} */
#define OVPN_DEL_KEY        _IO('D', 6)  /* S {peerid, slot} */
#define OVPN_SET_PEER       _IO('D', 7)  /* S {peerid, interval, timeout}, seconds */
#define OVPN_START_VPN      _IO('D', 8)  /* S, no list */
#define OVPN_POLL_PKT       _IO('D', 10) /* G -> {pending} */
#define OVPN_GET_PKT        _IO('D', 11) /* G -> {peerid, notification, ...} */
#define OVPN_SET_IFMODE     _IO('D', 12) /* S {ifmode} */
#define OVPN_GET_PEER_STATS _IO('D', 13) /* G -> {peers[] of {peerid, packets, bytes}} */

enum ovpn_notif_type {
    OVPN_NOTIF_DEL_PEER = 0, /* {del_reason, packets {in, out}, bytes {in, out}} */
    OVPN_NOTIF_ROTATE_KEY = 1,
    OVPN_NOTIF_FLOAT = 2, /* {address {af, address, port, [scopeid]}} */
};

enum ovpn_del_reason {
    OVPN_DEL_REASON_REQUESTED = 0,
    OVPN_DEL_REASON_TIMEOUT = 1,
};

#endif
