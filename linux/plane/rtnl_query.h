/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to rtnetlink that have one answer. The kernel has answered before send() returns, so
 * nobody waits. No lock: a socket belongs to one thread at a time.
 */
#ifndef DCO_PLANE_RTNL_QUERY_H
#define DCO_PLANE_RTNL_QUERY_H

#include <linux/netlink.h>
#include <stddef.h>
#include <sys/types.h>

/* A socket to ask with, not blocking; the caller closes it. -errno. By a thread that may still make
 * sockets. */
int rtnl_query_open(void);

/* Sends the request, whose sequence number is another one than that of the question before, and
 * reads the datagram that answers it; answers to earlier questions that nobody read are dropped.
 * Its first message has the request's number and its length was checked. How many bytes, or -errno.
 */
ssize_t rtnl_query(int fd, const struct nlmsghdr *request, void *answer, size_t size);

#endif
