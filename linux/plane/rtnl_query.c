/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/rtnl_query.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/sys/calls.h"

#define STALE_MAX 4U /* unread answers to earlier questions that one call drops, plus one */

int
rtnl_query_open(void)
{
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
    int err, fd = sys()->socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd < 0)
        return -errno;
    if (sys()->bind(fd, (struct sockaddr *)&nl, sizeof(nl)) < 0) {
        err = -errno;
        sys()->close(fd);
        return err;
    }
    return fd;
}

static bool
answers(const void *answer, size_t len, uint32_t seq)
{
    struct nlmsghdr nlh;

    if (len < sizeof(nlh))
        return false;
    memcpy(&nlh, answer, sizeof(nlh));
    return nlh.nlmsg_seq == seq && nlh.nlmsg_len >= sizeof(nlh) && nlh.nlmsg_len <= len;
}

ssize_t
rtnl_query(int fd, const struct nlmsghdr *request, void *answer, size_t size)
{
    if (sys()->send(fd, request, request->nlmsg_len, MSG_DONTWAIT) < 0)
        return -errno;
    for (unsigned i = 0; i < STALE_MAX; i++) {
        struct sockaddr_nl from = {0};
        socklen_t from_len = sizeof(from);
        ssize_t len = sys()->recvfrom(fd, answer, size, MSG_DONTWAIT | MSG_TRUNC,
                                      (struct sockaddr *)&from, &from_len);

        if (len < 0)
            return -errno;
        if (from.nl_pid == 0 && (size_t)len <= size &&
            answers(answer, (size_t)len, request->nlmsg_seq))
            return len;
    }
    return -EAGAIN;
}
