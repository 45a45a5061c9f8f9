/* SPDX-License-Identifier: BSD-2-Clause */
/* Joins the pieces of a message, and splits one again. Pure functions; any thread. */
#ifndef DCO_SYS_IOV_H
#define DCO_SYS_IOV_H

#include <sys/socket.h>

/* The largest message that iov_gather() copies; nothing of ours is larger. */
#define IOV_REQUEST_MAX (1U << 20)

/* The total length of the pieces; SIZE_MAX if the sum overflows. */
size_t iov_len(const struct msghdr *msg);

/* Returns a copy of the whole message, aligned for netlink, with at least 16 zero bytes behind it.
 * *len is its length without them. The caller frees it with iov_wipe(). NULL with errno EMSGSIZE or
 * ENOMEM. */
void *iov_gather(const struct msghdr *msg, size_t *len);

/* Wipes and frees a copy of iov_gather(), which may hold keys. NULL is allowed. */
void iov_wipe(void *copy, size_t len);

/* Copies as much of data as fits into the pieces; returns the number of bytes copied. */
size_t iov_scatter(const struct msghdr *msg, const void *data, size_t len);

#endif
