/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "linux/netlink/link.h"
#include "linux/openvpn/offer.h"
#include "linux/openvpn/offload_state.h"
#include "linux/openvpn/route_requests.h"
#include "linux/openvpn/traits.h"
#include "linux/plane/plane.h"
#include "linux/preload/genl.h"
#include "linux/preload/lifecycle.h"
#include "linux/preload/lock.h"
#include "linux/preload/vfd_kinds.h"
#include "linux/sys/calls.h"
#include "linux/sys/iov.h"
#include "linux/sys/log.h"

#define UNNAMED_MAX 200 /* ovpn-dco0 .. ovpn-dco199, ovpn0 .. */

struct rtnl_vfd {
    struct vfd vfd;
    bool answers; /* atomic; set when an answer that is still to be read may need a change */
};

static struct rtnl_vfd *
rtnl_of(struct vfd *vfd)
{
    return (struct rtnl_vfd *)vfd;
}

/* Requests */

/* A request without a name leaves it to the kernel, which takes the kind and the lowest unused
 * number. */
static int
dev_make(const struct link_request *link, struct plane_dev **dev)
{
    char name[IFNAMSIZ];
    int err = -EEXIST;

    if (link->name[0])
        return plane_dev_new(link->name, link->mode, dev);
    for (uint8_t i = 0; i < UNNAMED_MAX && err == -EEXIST; i++) {
        snprintf(name, sizeof(name), "%s%u", link->family->link_kind, i);
        if (!if_nametoindex(name))
            err = plane_dev_new(name, link->mode, dev);
    }
    return err;
}

/* Whether the kernel itself refuses the request, as it would for any kind: the device exists
 * already, or the request does not ask to create one. */
static bool
kernel_refuses(const struct nlmsghdr *request, const struct link_request *link)
{
    return !(request->nlmsg_flags & NLM_F_CREATE) || (link->name[0] && if_nametoindex(link->name));
}

static int
dev_new(const struct link_request *link, struct plane_dev **dev)
{
    struct plane_dev_options options = offer_device_options();
    int err = dev_make(link, dev);
    bool server = link->mode == DCO_MODE_MP;

    if (err)
        return err;
    plane_dev_set_kind(*dev, link->family->link_kind,
                       openvpn_traits(link->family)->follows_floats && server);
    plane_dev_set_floats(*dev, server || offer_floats());
    plane_dev_set_options(*dev, &options);
    return 0;
}

static void
link_new(struct nlmsghdr *request, const struct link_request *link)
{
    struct plane_dev *dev;
    int err = link->error;

    if (!err && kernel_refuses(request, link))
        return;
    if (!offer_known() && !lifecycle_ask())
        return;
    if (!err && link->name[0] && !link_name_ok(link->name))
        err = -EINVAL;
    if (!err && link->ifindex)
        err = -EOPNOTSUPP; /* nobody can choose the index of a TUN device */
    if (!err)
        err = dev_new(link, &dev);
    if (err) {
        log_line(LOG_LEVEL_WARN, "cannot create device %s: %s", link->name, strerror(-err));
        link_becomes_result(request, err);
        return;
    }
    offload_state_active(link->family->name);
    lifecycle_answer();
    genl_device_new(plane_dev_index(dev));
    link_becomes_change(request, plane_dev_index(dev));
}

static void
link_delete(struct nlmsghdr *request, const struct link_request *link)
{
    struct plane_dev *dev =
        link->ifindex ? plane_dev_by_index(link->ifindex) : plane_dev_by_name(link->name);

    if (dev == NULL)
        return;
    plane_dev_free(dev);
    link_becomes_result(request, 0);
}

/* Returns whether the answer may need a change. */
static bool
route_change(struct nlmsghdr *request)
{
    int err;

    if (!route_request(request, &err))
        return false;
    link_becomes_result(request, err);
    return true;
}

/* Returns whether the answer may need a change. */
static bool
message_handle(struct nlmsghdr *nlh)
{
    struct link_request link;

    if (nlh->nlmsg_type == RTM_NEWROUTE || nlh->nlmsg_type == RTM_DELROUTE)
        return route_change(nlh);
    link_parse(nlh, &link);
    switch (link.what) {
    case LINK_NEW:
        link_new(nlh, &link);
        return true;
    case LINK_DELETE:
        link_delete(nlh, &link);
        return true;
    case LINK_GET:
        return plane_dev_next(NULL) != NULL;
    case LINK_OTHER:
        break;
    }
    return false;
}

/* Handles every message of the datagram, and closes the gaps where a message became shorter.
 * Returns the new length. */
static size_t
datagram_handle(struct rtnl_vfd *r, uint8_t *data, size_t len)
{
    uint8_t *from = data, *to = data;

    while (len >= NLMSG_HDRLEN) {
        struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)from;
        size_t step = NLMSG_ALIGN((size_t)nlh->nlmsg_len), kept;

        if (nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > len)
            break;
        step = step < len ? step : len;
        if (message_handle(nlh))
            dco_store_release(&r->answers, true);
        kept = NLMSG_ALIGN((size_t)nlh->nlmsg_len);
        kept = kept < step ? kept : step;
        memmove(to, from, kept);
        to += kept;
        from += step;
        len -= step;
    }
    memmove(to, from, len);
    return (size_t)(to - data) + len;
}

static ssize_t
rtnl_sendmsg(struct vfd *vfd, int fd, const struct msghdr *msg, int flags)
{
    struct msghdr changed = *msg;
    struct iovec iov;
    size_t len;
    ssize_t n;

    iov.iov_base = iov_gather(msg, &len);
    if (iov.iov_base == NULL)
        return -1;
    preload_lock();
    iov.iov_len = datagram_handle(rtnl_of(vfd), iov.iov_base, len);
    preload_unlock();
    changed.msg_iov = &iov;
    changed.msg_iovlen = 1;
    n = sys()->sendmsg(fd, &changed, flags);
    free(iov.iov_base);
    return n < 0 ? n : (ssize_t)len;
}

/* Answers */

static const char *
kind_of(uint32_t ifindex)
{
    const struct plane_dev *dev = plane_dev_by_index(ifindex);

    return dev != NULL ? plane_dev_kind(dev) : NULL;
}

/* The copy is as large as the reader's memory, because the kernel fits the parts of a dump to the
 * size that it sees. */
static ssize_t
rtnl_recvmsg(struct vfd *vfd, int fd, struct msghdr *msg, int flags)
{
    struct msghdr inner = *msg;
    size_t size = iov_len(msg), len;
    struct iovec iov = {.iov_len = size};
    ssize_t n;

    if (!dco_load_acquire(&rtnl_of(vfd)->answers) || size > IOV_REQUEST_MAX)
        return sys()->recvmsg(fd, msg, flags);
    iov.iov_base = calloc(1, size + NLMSG_HDRLEN);
    if (iov.iov_base == NULL)
        return -1;
    inner.msg_iov = &iov;
    inner.msg_iovlen = 1;
    n = sys()->recvmsg(fd, &inner, flags);
    if (n > 0) {
        len = (size_t)n < size ? (size_t)n : size;
        preload_lock();
        n -= (ssize_t)(len - link_answer(iov.iov_base, len, kind_of));
        preload_unlock();
        iov_scatter(msg, iov.iov_base, (size_t)n < size ? (size_t)n : size);
    }
    if (n >= 0) {
        msg->msg_namelen = inner.msg_namelen;
        msg->msg_controllen = inner.msg_controllen;
        msg->msg_flags = inner.msg_flags;
    }
    free(iov.iov_base);
    return n;
}

static void
rtnl_fini(struct vfd *vfd)
{
    free(rtnl_of(vfd));
}

const struct vfd_ops rtnl_ops = {
    .sendmsg = rtnl_sendmsg,
    .recvmsg = rtnl_recvmsg,
    .fini = rtnl_fini,
};

void
rtnl_opened(int fd)
{
    struct rtnl_vfd *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return;
    vfd_init(&r->vfd, VFD_RTNL);
    if (!vfd_set(fd, &r->vfd))
        free(r);
}
