/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generic netlink sockets. A socket that asks for one of our families, or speaks to it, is replaced
 * by one end of a pair of datagram sockets on the same fd, so that the process can read and poll
 * our replies and notifications. Requests to other families go to the real socket, which stays
 * hidden behind the pair. The kernel's answers are passed on when the request is made and whenever
 * the process reads.
 *
 * A socket that joins our multicast group takes charge of the device that the process made last, or
 * makes next. If the process has not deleted the device when it closes the socket, the device is
 * deleted then.
 *
 * Datagrams wait in a list of the vfd and enter the pair as far as it has room, so none is lost
 * while there is memory. The list holds only what the process has not read yet.
 */
#ifndef DCO_PRELOAD_GENL_H
#define DCO_PRELOAD_GENL_H

#include <stdint.h>

/* fd is a new NETLINK_GENERIC socket. */
void genl_opened(int fd);

/* The process made the device of this index. The preload lock held. */
void genl_device_new(uint32_t ifindex);

/* Hands all waiting events of the plane to the sockets that joined the family's multicast group.
 * The preload lock held. */
void genl_events(void);

#endif
