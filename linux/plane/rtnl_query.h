/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to rtnetlink that have one answer. The kernel answers before send() returns, so no call
 * waits. A socket belongs to one thread at a time and has no lock.
 */
#ifndef DCO_PLANE_RTNL_QUERY_H
#define DCO_PLANE_RTNL_QUERY_H

#include <linux/netlink.h>
#include <stddef.h>
#include <sys/types.h>

/* Opens a nonblocking socket for questions; the caller closes it. -errno. Before the thread gives
 * up the right to make sockets. */
int rtnl_query_open(void);

/* Sends the request and reads the datagram that answers it. The sequence number of the request must
 * differ from that of the last question; unread answers to earlier questions are dropped. The first
 * message of the answer has the number of the request, and its length was checked. Returns the
 * length of the answer in bytes, or -errno. */
ssize_t rtnl_query(int fd, const struct nlmsghdr *request, void *answer, size_t size);

#endif
