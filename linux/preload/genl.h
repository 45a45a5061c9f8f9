/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generic netlink sockets. One that asks for our family, or speaks to it, is swapped for one end of
 * a datagram socketpair on the same number, so that replies and notifications are readable and
 * pollable. Requests to other families go on to the real socket, which stays hidden behind; what
 * the kernel answers is relayed when the request is made and whenever the process reads.
 *
 * Datagrams wait in a list of the vfd and enter the pair as far as it has room, so none is ever
 * lost and memory is bounded by what the process does not read.
 */
#ifndef DCO_PRELOAD_GENL_H
#define DCO_PRELOAD_GENL_H

/* fd is a new NETLINK_GENERIC socket. */
void genl_opened(int fd);

/* Hands all waiting events of the plane to the sockets that joined the group. The vfd lock held. */
void genl_events(void);

#endif
