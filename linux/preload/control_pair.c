/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/control_pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linux/plane/plane.h"
#include "linux/sys/calls.h"

#define IOV_SMALL 16

static void
source_fill(struct msghdr *msg, const struct plane_control_hdr *hdr)
{
    socklen_t len = hdr->source_len;

    if (msg->msg_name == NULL)
        return;
    memcpy(msg->msg_name, &hdr->source, len < msg->msg_namelen ? len : msg->msg_namelen);
    msg->msg_namelen = len;
}

static void
pktinfo_fill(struct msghdr *msg, const struct plane_control_hdr *hdr)
{
    bool v4 = hdr->has_pktinfo == AF_INET;
    size_t len = v4 ? sizeof(hdr->pktinfo.in) : sizeof(hdr->pktinfo.in6);
    size_t room = msg->msg_control != NULL ? msg->msg_controllen : 0;
    struct cmsghdr *cmsg = msg->msg_control;

    msg->msg_controllen = 0;
    if (hdr->has_pktinfo != AF_INET && hdr->has_pktinfo != AF_INET6)
        return;
    if (room < CMSG_LEN(len)) {
        msg->msg_flags |= MSG_CTRUNC;
        return;
    }
    cmsg->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
    cmsg->cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO;
    cmsg->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(cmsg), &hdr->pktinfo, len);
    msg->msg_controllen = room < CMSG_SPACE(len) ? room : CMSG_SPACE(len);
}

/* Each datagram starts with the plane's header, so that goes in front of the reader's buffers. */
static ssize_t
pair_recv(int fd, struct msghdr *msg, int flags, struct plane_control_hdr *hdr)
{
    struct iovec small[IOV_SMALL], *iov = small;
    struct msghdr inner = {.msg_iovlen = msg->msg_iovlen + 1};
    ssize_t n;

    if (inner.msg_iovlen > IOV_SMALL)
        iov = calloc(inner.msg_iovlen, sizeof(*iov));
    if (iov == NULL)
        return -1;
    iov[0] = (struct iovec){hdr, sizeof(*hdr)};
    if (msg->msg_iovlen > 0)
        memcpy(&iov[1], msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
    inner.msg_iov = iov;
    n = sys()->recvmsg(fd, &inner, flags);
    msg->msg_flags = inner.msg_flags;
    if (iov != small)
        free(iov);
    return n;
}

ssize_t
control_pair_recv(int fd, struct msghdr *msg, int flags)
{
    struct plane_control_hdr hdr;
    ssize_t n = pair_recv(fd, msg, flags, &hdr);

    if (n < 0)
        return n;
    if ((size_t)n < sizeof(hdr) || hdr.source_len > sizeof(hdr.source)) {
        errno = EAGAIN; /* cannot happen: only the plane writes to the pair */
        return -1;
    }
    source_fill(msg, &hdr);
    pktinfo_fill(msg, &hdr);
    return n - (ssize_t)sizeof(hdr);
}
