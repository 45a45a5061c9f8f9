/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/iov.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SLACK 16U /* bytes; readers may look up to a multiple of 4 beyond the end */

size_t
iov_len(const struct msghdr *msg)
{
    size_t len = 0;

    for (size_t i = 0; i < msg->msg_iovlen; i++)
        if (__builtin_add_overflow(len, msg->msg_iov[i].iov_len, &len))
            return SIZE_MAX;
    return len;
}

void *
iov_gather(const struct msghdr *msg, size_t *len)
{
    uint8_t *copy, *to;

    *len = iov_len(msg);
    if (*len > IOV_REQUEST_MAX) {
        errno = EMSGSIZE;
        return NULL;
    }
    to = copy = calloc(1, *len + SLACK);
    for (size_t i = 0; copy != NULL && i < msg->msg_iovlen; i++) {
        if (msg->msg_iov[i].iov_len > 0)
            memcpy(to, msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
        to += msg->msg_iov[i].iov_len;
    }
    return copy;
}

void
iov_wipe(void *copy, size_t len)
{
    if (copy != NULL)
        explicit_bzero(copy, len);
    free(copy);
}

size_t
iov_scatter(const struct msghdr *msg, const void *data, size_t len)
{
    const uint8_t *from = data;
    size_t left = len;

    for (size_t i = 0; left > 0 && i < msg->msg_iovlen; i++) {
        size_t n = msg->msg_iov[i].iov_len < left ? msg->msg_iov[i].iov_len : left;

        if (n > 0)
            memcpy(msg->msg_iov[i].iov_base, from, n);
        from += n;
        left -= n;
    }
    return len - left;
}
