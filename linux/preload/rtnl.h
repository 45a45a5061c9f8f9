/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_ROUTE sockets: pass through, but for the creation and removal of our devices, which are
 * carried out here, and the kind in answers about them. See linux/netlink/link.h for how the kernel
 * is made to carry the answers.
 */
#ifndef DCO_PRELOAD_RTNL_H
#define DCO_PRELOAD_RTNL_H

/* fd is a new NETLINK_ROUTE socket. */
void rtnl_opened(int fd);

#endif
