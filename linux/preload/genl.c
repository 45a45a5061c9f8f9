/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/genl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "linux/netlink/nlctrl.h"
#include "linux/netlink/notification.h"
#include "linux/netlink/request.h"
#include "linux/openvpn/final_counters.h"
#include "linux/openvpn/key_exhaustion.h"
#include "linux/openvpn/notifications.h"
#include "linux/openvpn/offer.h"
#include "linux/openvpn/restart_timer.h"
#include "linux/plane/plane.h"
#include "linux/preload/family_ops.h"
#include "linux/preload/lifecycle.h"
#include "linux/preload/lock.h"
#include "linux/preload/vfd_kinds.h"
#include "linux/preload/vfd_swap.h"
#include "linux/sys/calls.h"
#include "linux/sys/clock.h"
#include "linux/sys/iov.h"
#include "linux/sys/log.h"

#define RELAY_MAX (1U << 16)

struct genl_vfd {
    struct vfd vfd;
    bool swapped; /* atomic; set once, under the preload lock. All below: preload lock */
    /* Families whose multicast group it has joined, by their index in nl_families. */
    bool member[NL_FAMILIES];
    /* It joined a group of another family, so the real socket may receive without a request. */
    bool foreign;
    bool waiting; /* atomic; notifications.ready is not empty */
    int hidden;   /* the real socket */
    int inner;    /* our end of the pair */
    uint32_t portid;
    bool listens;    /* it joined a group of ours */
    uint32_t device; /* index of the device that ends with this socket; 0: none */
    struct notifications notifications; /* `ready` is what did not yet fit into the pair */
    struct genl_vfd *next;              /* in swapped_vfds */
};

/* Preload lock. One list per process: each event of the plane goes to all of them. */
static struct genl_vfd *swapped_vfds;

static struct genl_vfd *
genl_of(struct vfd *vfd)
{
    return (struct genl_vfd *)vfd;
}

static bool
is_swapped(const struct genl_vfd *g)
{
    return dco_load_acquire(&g->swapped);
}

/* Towards the reader */

/* Writes as much as the pair takes now. The rest follows when the process has read. */
static void
pump(struct genl_vfd *g)
{
    struct datagrams *ready = &g->notifications.ready;

    while (ready->head != NULL) {
        struct datagram *dg = ready->head;
        ssize_t n = sys()->send(g->inner, dg->data, dg->len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
            break;
        free(datagrams_take(ready));
    }
    dco_store_release(&g->waiting, ready->head != NULL);
}

/* The swap */

static uint32_t
portid_of(int fd)
{
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
    socklen_t len = sizeof(nl);

    if (sys()->getsockname(fd, (struct sockaddr *)&nl, &len) == 0 && nl.nl_pid != 0)
        return nl.nl_pid;
    nl = (struct sockaddr_nl){.nl_family = AF_NETLINK};
    len = sizeof(nl);
    if (sys()->bind(fd, (struct sockaddr *)&nl, sizeof(nl)) == 0)
        (void)sys()->getsockname(fd, (struct sockaddr *)&nl, &len);
    return nl.nl_pid;
}

static void
timeout_copy(int from, int to, int option)
{
    struct timeval tv;
    socklen_t len = sizeof(tv);

    if (sys()->getsockopt(from, SOL_SOCKET, option, &tv, &len) == 0)
        (void)sys()->setsockopt(to, SOL_SOCKET, option, &tv, len);
}

/* Returns 0, or -errno, and then nothing has changed. */
static int
swap(struct genl_vfd *g, int fd)
{
    int err, hidden = vfd_hide(fd);
    struct vfd_pair pair;

    if (hidden < 0)
        return hidden;
    err = vfd_pair_make(&pair, SOCK_DGRAM);
    if (err != 0) {
        sys()->close(hidden);
        return err;
    }
    g->portid = portid_of(fd);
    g->hidden = hidden;
    g->inner = pair.inner;
    timeout_copy(fd, pair.outer, SO_RCVTIMEO);
    vfd_pair_swap(&g->vfd, &pair, "netlink");
    g->next = swapped_vfds;
    swapped_vfds = g;
    dco_store_release(&g->swapped, true);
    return 0;
}

/* Requests */

/* The family that answers a message, or NULL if the kernel does. */
static const struct nl_family *
family_of(const struct nlmsghdr *nlh)
{
    const struct nl_family *family = nl_family_by_id(nlh->nlmsg_type);

    if (family != NULL)
        return offer_known() ? family : NULL;
    family = nlctrl_asks_for(nlh);
    return family != NULL && lifecycle_ask() ? family : NULL;
}

/* The next message of a datagram. NULL at its end, and where it is not well formed: the kernel
 * stops there, too. */
static struct nlmsghdr *
message_next(uint8_t **at, size_t *left)
{
    struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)*at;
    size_t step;

    if (*left < NLMSG_HDRLEN || nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > *left)
        return NULL;
    step = NLMSG_ALIGN((size_t)nlh->nlmsg_len);
    step = step < *left ? step : *left;
    *at += step;
    *left -= step;
    return nlh;
}

static bool
any_for_us(uint8_t *data, size_t len)
{
    struct nlmsghdr *nlh;

    while ((nlh = message_next(&data, &len)) != NULL)
        if (family_of(nlh) != NULL)
            return true;
    return false;
}

/* Adds everything that the socket holds to the list. */
static void
drain(int fd, struct datagrams *list)
{
    void *buf = malloc(RELAY_MAX);
    ssize_t n;

    while (buf != NULL && (n = sys()->recv(fd, buf, RELAY_MAX, MSG_DONTWAIT)) > 0)
        datagrams_copy(list, buf, (size_t)n);
    free(buf);
}

/* The kernel answers while the request is being sent, and produces the next part of a dump when the
 * one before is read. */
static void
forward(struct genl_vfd *g, const struct nlmsghdr *request)
{
    struct datagrams *ready = &g->notifications.ready;
    const struct netlink_sink sink = {datagrams_emit, ready, g->portid};

    if (sys()->send(g->hidden, request, request->nlmsg_len, MSG_NOSIGNAL) < 0)
        netlink_ack(&sink, request, -errno, true);
    else
        drain(g->hidden, ready);
}

/* openvpn has asked for all peers of its device, of which it has one. */
static void
peers_dumped(const struct nl_family *family)
{
    struct plane_dev *dev = plane_dev_next(NULL);

    if (dev != NULL)
        final_counters_asked(openvpn_traits(family), plane_dev_peers(dev), clock_now_ns());
}

static void
carry_out(struct genl_vfd *g, const struct nl_family *family, const struct nlmsghdr *request)
{
    struct datagrams replies;
    const struct netlink_sink sink = {datagrams_emit, &replies, g->portid};
    bool acknowledge;
    int err = 0;

    datagrams_init(&replies);
    genl_events(); /* what happened before the request */
    notifications_before(&g->notifications, family, request);
    acknowledge = nl_request(family, &family_ops, &sink, request, &err);
    genl_events(); /* what the request caused */
    err = notifications_after(&g->notifications, family, request, err);
    if (acknowledge)
        nl_request_acknowledge(family, &sink, request, err);
    else if (nl_is_dump(request))
        peers_dumped(family);
    datagrams_move(&g->notifications.ready, &replies);
}

static void
answer(struct genl_vfd *g, int fd, uint8_t *data, size_t len)
{
    const struct netlink_sink sink = {datagrams_emit, &g->notifications.ready, g->portid};
    const struct nl_family *family;
    struct datagrams unread;
    struct nlmsghdr *nlh;

    datagrams_init(&unread);
    drain(fd, &unread);
    notifications_hold(&g->notifications, &unread);
    while ((nlh = message_next(&data, &len)) != NULL) {
        family = family_of(nlh);
        if (family == NULL)
            forward(g, nlh);
        else if (nlh->nlmsg_type != family->family_id)
            nlctrl_answer(family, &sink, nlh);
        else
            carry_out(g, family, nlh);
    }
    notifications_release(&g->notifications);
    pump(g);
}

/* Whether the message goes to the kernel and not to another process. */
static bool
to_kernel(const struct msghdr *msg)
{
    const struct sockaddr_nl *nl = msg->msg_name;

    return nl == NULL || msg->msg_namelen < sizeof(*nl) || nl->nl_pid == 0;
}

static ssize_t
genl_sendmsg(struct vfd *vfd, int fd, const struct msghdr *msg, int flags)
{
    struct genl_vfd *g = genl_of(vfd);
    size_t len;
    uint8_t *data;
    bool ours;
    int err = 0;

    if (!to_kernel(msg))
        return sys()->sendmsg(is_swapped(g) ? g->hidden : fd, msg, flags);
    data = iov_gather(msg, &len);
    if (data == NULL)
        return -1;
    preload_lock();
    if (!g->swapped && any_for_us(data, len))
        err = swap(g, fd);
    ours = g->swapped;
    if (ours)
        answer(g, fd, data, len);
    preload_unlock();
    iov_wipe(data, len);
    if (err != 0) {
        errno = -err;
        return -1;
    }
    return ours ? (ssize_t)len : sys()->sendmsg(fd, msg, flags);
}

/* Reading */

/* Sets the sender of a message of len bytes that was read. Returns whether it is a notification. */
static bool
address_fill(struct msghdr *msg, size_t len)
{
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
    uint8_t head[NLMSG_HDRLEN];
    const struct nl_family *family = NULL;
    size_t got = 0;

    for (size_t i = 0; i < msg->msg_iovlen && got < sizeof(head) && got < len; i++) {
        size_t n = msg->msg_iov[i].iov_len;

        n = n < sizeof(head) - got ? n : sizeof(head) - got;
        memcpy(head + got, msg->msg_iov[i].iov_base, n);
        got += n;
    }
    if (got >= sizeof(head) && len >= sizeof(head))
        family = nl_notification_of(head, sizeof(head));
    if (family != NULL)
        nl.nl_groups = 1U << ((family->group_id - 1) % 32);
    if (msg->msg_name != NULL && msg->msg_namelen > 0)
        memcpy(msg->msg_name, &nl, msg->msg_namelen < sizeof(nl) ? msg->msg_namelen : sizeof(nl));
    msg->msg_namelen = msg->msg_name != NULL ? sizeof(nl) : 0;
    return family != NULL;
}

/* The process has read a notification. */
static void
notification_read(void)
{
    if (!restart_timer_due())
        return;
    preload_lock();
    restart_timer_cancel();
    preload_unlock();
}

static void
refill(struct genl_vfd *g)
{
    preload_lock();
    if (g->foreign)
        drain(g->hidden, &g->notifications.ready);
    pump(g);
    preload_unlock();
}

static ssize_t
genl_recvmsg(struct vfd *vfd, int fd, struct msghdr *msg, int flags)
{
    struct genl_vfd *g = genl_of(vfd);
    struct msghdr inner = {.msg_iov = msg->msg_iov, .msg_iovlen = msg->msg_iovlen};
    ssize_t n;

    if (!is_swapped(g))
        return sys()->recvmsg(fd, msg, flags);
    if (g->foreign || dco_load_acquire(&g->waiting))
        refill(g);
    n = sys()->recvmsg(fd, &inner, flags);
    if (n < 0)
        return n;
    if (address_fill(msg, (size_t)n))
        notification_read();
    msg->msg_controllen = 0;
    msg->msg_flags = inner.msg_flags;
    if (dco_load_acquire(&g->waiting))
        refill(g);
    return n;
}

/* Other calls */

/* The fd of the real socket. */
static int
behind(struct vfd *vfd, int fd)
{
    return is_swapped(genl_of(vfd)) ? genl_of(vfd)->hidden : fd;
}

static int
genl_bind(struct vfd *vfd, int fd, const struct sockaddr *sa, socklen_t len)
{
    return sys()->bind(behind(vfd, fd), sa, len);
}

static int
genl_connect(struct vfd *vfd, int fd, const struct sockaddr *sa, socklen_t len)
{
    return sys()->connect(behind(vfd, fd), sa, len);
}

static int
genl_getsockname(struct vfd *vfd, int fd, struct sockaddr *sa, socklen_t *len)
{
    return sys()->getsockname(behind(vfd, fd), sa, len);
}

static int
genl_getpeername(struct vfd *vfd, int fd, struct sockaddr *sa, socklen_t *len)
{
    return sys()->getpeername(behind(vfd, fd), sa, len);
}

static int
genl_getsockopt(struct vfd *vfd, int fd, int level, int name, void *value, socklen_t *len)
{
    return sys()->getsockopt(behind(vfd, fd), level, name, value, len);
}

/* NULL if the group is none of ours. */
static const struct nl_family *
family_of_group(int group)
{
    for (unsigned i = 0; i < NL_FAMILIES; i++)
        if ((uint32_t)group == nl_families[i]->group_id)
            return nl_families[i];
    return NULL;
}

/* openvpn 2.6 makes its device, and then a socket joins the group to hear of its peers; 2.7 does so
 * in the other order. */
void
genl_device_new(uint32_t ifindex)
{
    for (struct genl_vfd *g = swapped_vfds; g != NULL; g = g->next) {
        if (g->listens && g->device == 0) {
            g->device = ifindex;
            return;
        }
    }
}

static void
claim_device(struct genl_vfd *g)
{
    const struct plane_dev *dev = plane_dev_next(NULL);
    uint32_t ifindex = dev != NULL ? plane_dev_index(dev) : 0;

    g->listens = true;

    for (const struct genl_vfd *other = swapped_vfds; other != NULL; other = other->next)
        if (other->device == ifindex)
            return;
    g->device = ifindex;
}

/* Returns 1 if the option was set here, 0 if the kernel is to set it, or -errno. */
static int
membership(struct genl_vfd *g, int fd, int name, const void *value, socklen_t len)
{
    const struct nl_family *family;
    int group, err = 0;

    if ((name != NETLINK_ADD_MEMBERSHIP && name != NETLINK_DROP_MEMBERSHIP) || len < sizeof(group))
        return 0;
    memcpy(&group, value, sizeof(group));
    family = family_of_group(group);
    if (family == NULL || !offer_known()) {
        g->foreign |= g->swapped && name == NETLINK_ADD_MEMBERSHIP;
        return 0;
    }
    if (!g->swapped)
        err = swap(g, fd);
    if (err != 0)
        return err;
    g->member[nl_family_index(family)] = name == NETLINK_ADD_MEMBERSHIP;
    if (name == NETLINK_ADD_MEMBERSHIP)
        claim_device(g);
    return 1;
}

static int
genl_setsockopt(struct vfd *vfd, int fd, int level, int name, const void *value, socklen_t len)
{
    struct genl_vfd *g = genl_of(vfd);
    int done = 0;

    if (level == SOL_NETLINK) {
        preload_lock();
        done = membership(g, fd, name, value, len);
        preload_unlock();
    }
    if (done < 0) {
        errno = -done;
        return -1;
    }
    if (done > 0)
        return 0;
    if (is_swapped(g) && level == SOL_SOCKET && name == SO_RCVTIMEO &&
        sys()->setsockopt(fd, level, name, value, len) < 0)
        return -1;
    return sys()->setsockopt(behind(vfd, fd), level, name, value, len);
}

/* The end of a vfd */

/* openvpn closes the socket after it has deleted its device. It looks for the device by name, and
 * deletes nothing if a script has renamed it or moved it into another network namespace. */
static void
device_end(uint32_t ifindex)
{
    struct plane_dev *dev = ifindex != 0 ? plane_dev_by_index(ifindex) : NULL;

    if (dev == NULL)
        return;
    log_line(LOG_LEVEL_INFO, "openvpn has closed a device that it did not find; it is deleted now");
    plane_dev_free(dev);
}

static void
genl_end(struct vfd *vfd)
{
    struct genl_vfd *g = genl_of(vfd);
    struct genl_vfd **at;

    if (!g->swapped)
        return;
    for (at = &swapped_vfds; *at != NULL && *at != g; at = &(*at)->next)
        ;
    if (*at != NULL)
        *at = g->next;
    sys()->close(g->inner);
    sys()->close(g->hidden);
    g->inner = g->hidden =
        -1; /* another thread may be in a call, and other files may get these fds */
    device_end(g->device);
}

static void
genl_fini(struct vfd *vfd)
{
    struct genl_vfd *g = genl_of(vfd);

    notifications_free(&g->notifications);
    free(g);
}

static void
genl_fork_child(struct vfd *vfd, int fd)
{
    struct genl_vfd *g = genl_of(vfd);

    (void)fd;
    if (!g->swapped)
        return;
    sys()->close(g->inner);
    sys()->close(g->hidden);
}

const struct vfd_ops genl_ops = {
    .sendmsg = genl_sendmsg,
    .recvmsg = genl_recvmsg,
    .bind = genl_bind,
    .connect = genl_connect,
    .getsockname = genl_getsockname,
    .getpeername = genl_getpeername,
    .getsockopt = genl_getsockopt,
    .setsockopt = genl_setsockopt,
    .end = genl_end,
    .fini = genl_fini,
    .fork_child = genl_fork_child,
};

void
genl_opened(int fd)
{
    struct genl_vfd *g = calloc(1, sizeof(*g));

    if (g == NULL)
        return; /* then the socket is the kernel's alone */
    vfd_init(&g->vfd, VFD_GENL);
    g->hidden = g->inner = -1;
    notifications_init(&g->notifications);
    if (!vfd_set(fd, &g->vfd))
        free(g);
}

static void
event_handle(struct plane_dev *dev, const struct nl_family *family, const struct dco_event *event)
{
    uint8_t buf[NL_NOTIFICATION_MAX] __attribute__((aligned(8)));
    size_t len = nl_notification_fill(family, buf, plane_dev_index(dev), event);
    unsigned index = nl_family_index(family);

    if (event->kind == DCO_EVENT_KEY_WANTED)
        key_exhaustion_handle(dev, openvpn_traits(family), event);
    if (event->kind == DCO_EVENT_DEL)
        final_counters_gone(openvpn_traits(family), event, clock_now_ns());
    if (event->kind == DCO_EVENT_DEL && event->del_reason == DCO_DEL_EXPIRED &&
        restart_timer_applies(dev))
        restart_timer_start();
    for (struct genl_vfd *g = swapped_vfds; len > 0 && g != NULL; g = g->next) {
        if (!g->member[index])
            continue;
        notifications_add(&g->notifications, family, event, buf, len);
        pump(g);
    }
}

void
genl_events(void)
{
    const struct nl_family *family;
    struct dco_event event;
    struct plane_dev *dev;

    while (plane_event_take(&dev, &event)) {
        family = nl_family_by_kind(plane_dev_kind(dev), SIZE_MAX);
        if (family != NULL)
            event_handle(dev, family, &event);
    }
}
