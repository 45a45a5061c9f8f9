/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages in one piece, and pieces from one message. Any thread. */
#ifndef DCO_SYS_IOV_H
#define DCO_SYS_IOV_H

#include <sys/socket.h>

/* Larger requests belong to nobody here. */
#define IOV_REQUEST_MAX (1U << 20)

/* Total length of the pieces; SIZE_MAX if the sum overflows. */
size_t iov_len(const struct msghdr *msg);

/* A copy of the whole message, aligned for netlink, with zeroes up to the next multiple of 4 and
 * beyond; *len is its length. NULL with errno EMSGSIZE or ENOMEM. */
void *iov_gather(const struct msghdr *msg, size_t *len);

/* Frees what iov_gather() returned and leaves nothing of it: it may hold keys. */
void iov_wipe(void *copy, size_t len);

/* Copies as much of data into the pieces as fits; returns how much that was. */
size_t iov_scatter(const struct msghdr *msg, const void *data, size_t len);

#endif
