/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_ROUTE sockets. Requests go to the kernel, except those that create or remove one of our
 * devices, or an iroute: these are carried out here. Answers about our devices name the kind that
 * openvpn asked for. linux/netlink/link.h says how the kernel comes to deliver our answers.
 */
#ifndef DCO_PRELOAD_RTNL_H
#define DCO_PRELOAD_RTNL_H

/* fd is a new NETLINK_ROUTE socket. */
void rtnl_opened(int fd);

#endif
