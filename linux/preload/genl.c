/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/genl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>

#include "linux/netlink/nlctrl.h"
#include "linux/netlink/notification.h"
#include "linux/netlink/request.h"
#include "linux/preload/datagrams.h"
#include "linux/preload/lifecycle.h"
#include "linux/preload/vfd.h"
#include "linux/openvpn/offer.h"
#include "linux/preload/family_ops.h"
#include "linux/sys/iov.h"
#include "linux/openvpn/restart_timer.h"
#include "linux/preload/vfd_kinds.h"
#include "linux/sys/calls.h"
#include "linux/sys/log.h"
#include "linux/plane/plane.h"

#define RELAY_MAX (1U << 16)

struct genl_vfd {
    struct vfd vfd;
    bool swapped; /* atomic; set once, under the vfd lock. All below: vfd lock */
    /* Families of whose multicast group it is a member, by their number in nl_families. */
    bool member[NL_FAMILIES];
    bool foreign; /* of another family's: the real socket may receive by itself */
    bool waiting; /* atomic; the list is not empty */
    int hidden;   /* the real socket */
    int inner;    /* our end of the pair */
    uint32_t portid;
    struct datagrams queue; /* what did not yet fit into the pair */
    struct datagrams *held; /* while a request is answered: notifications that go behind it */
    const struct nl_family *asked; /* then: by which family */
    struct genl_vfd *next;         /* of all swapped vfds */
};

static struct genl_vfd *swapped_vfds; /* vfd lock */

static struct genl_vfd *
genl_of(struct vfd *vfd)
{
    return (struct genl_vfd *)vfd;
}

static bool
is_swapped(const struct genl_vfd *g)
{
    return __atomic_load_n(&g->swapped, __ATOMIC_ACQUIRE);
}

/* ---- towards the reader ---------------------------------------------------------------------- */

/* As much as the pair takes now. The rest goes when the process has read. */
static void
pump(struct genl_vfd *g)
{
    while (g->queue.head) {
        struct datagram *dg = g->queue.head;
        ssize_t n = sys()->send(g->inner, dg->data, dg->len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
            break;
        free(datagrams_take(&g->queue));
    }
    __atomic_store_n(&g->waiting, g->queue.head != NULL, __ATOMIC_RELEASE);
}

static void
queue_emit(void *arg, const void *data, size_t len)
{
    datagrams_copy(&((struct genl_vfd *)arg)->queue, data, len);
}

/* ---- the swap -------------------------------------------------------------------------------- */

static uint32_t
portid_of(int fd)
{
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
    socklen_t len = sizeof(nl);

    if (sys()->getsockname(fd, (struct sockaddr *)&nl, &len) == 0 && nl.nl_pid)
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

static void
swap_fd(struct vfd *vfd, int fd, void *arg)
{
    int error = vfd_swap(vfd, fd, *(int *)arg);

    if (error)
        log_line(LOG_LEVEL_ERROR, "cannot replace netlink socket %d: %s", fd, strerror(-error));
}

/* 0 or -errno; then nothing has changed. */
static int
swap(struct genl_vfd *g, int fd)
{
    int pair[2];

    g->portid = portid_of(fd);
    g->hidden = sys()->fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (g->hidden < 0)
        return -errno;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0) {
        int error = errno;

        sys()->close(g->hidden);
        g->hidden = -1;
        return -error;
    }
    timeout_copy(fd, pair[0], SO_RCVTIMEO);
    g->inner = pair[1];
    vfd_each_fd(&g->vfd, swap_fd, &pair[0]);
    sys()->close(pair[0]);
    g->next = swapped_vfds;
    swapped_vfds = g;
    __atomic_store_n(&g->swapped, true, __ATOMIC_RELEASE);
    return 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* The family that answers a message, or NULL if the kernel does. */
static const struct nl_family *
family_of(const struct nlmsghdr *nlh)
{
    const struct nl_family *family = nl_family_by_id(nlh->nlmsg_type);

    if (family)
        return offer_known() ? family : NULL;
    family = nlctrl_asks_for(nlh);
    return family && lifecycle_ask(family->name) ? family : NULL;
}

/* The next message of a datagram, or NULL at its end or where it is not well formed: the kernel
 * stops there too. */
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

    while ((nlh = message_next(&data, &len)))
        if (family_of(nlh))
            return true;
    return false;
}

/* Everything that the real socket holds. The kernel answers while the request is being sent, and
 * produces the next part of a dump when the one before is read. */
static void
relay(struct genl_vfd *g)
{
    void *buf = malloc(RELAY_MAX);
    ssize_t n;

    while (buf && (n = sys()->recv(g->hidden, buf, RELAY_MAX, MSG_DONTWAIT)) > 0)
        queue_emit(g, buf, (size_t)n);
    free(buf);
}

static void
forward(struct genl_vfd *g, const struct nlmsghdr *nlh)
{
    const struct netlink_sink sink = {queue_emit, g, g->portid};

    if (sys()->send(g->hidden, nlh, nlh->nlmsg_len, MSG_NOSIGNAL) < 0)
        netlink_ack(&sink, nlh, -errno, true);
    else
        relay(g);
}

/* OpenVPN before 2.6.20 loses a notification that it reads while it waits for an answer. So what it
 * has not read yet leaves the pair, and notifications come back behind the answers. */
static void
unread_take(struct genl_vfd *g, int fd, struct datagrams *notifications)
{
    struct datagrams unread;
    struct datagram *dg;
    void *buf = malloc(RELAY_MAX);
    ssize_t n;

    datagrams_init(&unread);
    while (buf && (n = sys()->recv(fd, buf, RELAY_MAX, MSG_DONTWAIT)) > 0)
        datagrams_copy(&unread, buf, (size_t)n);
    free(buf);
    datagrams_move(&unread, &g->queue);
    while ((dg = datagrams_take(&unread)))
        datagrams_add(nl_notification_of(dg->data, dg->len) ? notifications : &g->queue, dg);
}

/* Takes out of the list what it says about that peer, by one command or (0) by any. */
static void
forget(struct datagrams *list, const struct nl_family *family, const struct nl_peer_ref *peer,
       uint8_t command)
{
    struct nl_peer_ref s;
    struct datagrams others;
    struct datagram *dg;

    datagrams_init(&others);
    while ((dg = datagrams_take(list))) {
        if (nl_peer_ref_of(family, (const void *)dg->data, &s) && s.ifindex == peer->ifindex &&
            s.peer_id == peer->peer_id && (command == 0 || s.command == command))
            free(dg);
        else
            datagrams_add(&others, dg);
    }
    datagrams_move(list, &others);
}

/* The process ends or begins a session: before, and after, the request is carried out. What is said
 * about the peer that had the number of the new one would be taken for the new one's; an openvpn
 * that no longer reads notifications (restart.h) would let them pile up, besides. */
static void
session_changes(const struct nl_family *family, const struct nlmsghdr *nlh,
                struct datagrams *notifications)
{
    const struct genlmsghdr *genl = NLMSG_DATA(nlh);
    struct plane_dev *dev = plane_dev_next(NULL);
    struct nl_peer_ref fresh;

    if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*genl)) ||
        (genl->cmd != family->peer_new && genl->cmd != family->peer_del))
        return;
    genl_events(); /* it may have happened this moment */
    restart_timer_cancel();
    if (genl->cmd != family->peer_new)
        return;
    if (dev && restart_timer_applies(dev))
        datagrams_free(notifications);
    else if (nl_peer_ref_of(family, nlh, &fresh))
        forget(notifications, family, &fresh, 0);
}

/* For openvpn only: others are told what the kernel would tell them. */
static bool
removal_unheard(void *arg, uint32_t ifindex, uint32_t peer_id)
{
    const struct genl_vfd *g = arg;
    struct nl_peer_ref s;

    if (!offer_is_openvpn())
        return false;
    genl_events();
    for (const struct datagram *dg = g->held->head; dg; dg = dg->next)
        if (nl_peer_ref_of(g->asked, (const void *)dg->data, &s) && s.removal &&
            s.ifindex == ifindex && s.peer_id == peer_id)
            return true;
    return false;
}

/* What the request itself caused, before its answer: genl_events() does not hold it back. */
static void
ordered_emit(void *arg, const void *data, size_t len)
{
    genl_events();
    queue_emit(arg, data, len);
}

static void
carry_out(struct genl_vfd *g, const struct nl_family *family, const struct nlmsghdr *nlh)
{
    const struct netlink_sink sink = {family->keeps_order ? ordered_emit : queue_emit, g,
                                      g->portid};
    struct nl_ops host = family_ops;

    host.arg = g;
    host.removal_unheard = removal_unheard;
    g->asked = family;
    session_changes(family, nlh, g->held);
    nl_request(family, &host, &sink, nlh);
    session_changes(family, nlh, g->held);
    g->asked = NULL;
}

static void
answer(struct genl_vfd *g, int fd, uint8_t *data, size_t len)
{
    const struct netlink_sink sink = {queue_emit, g, g->portid};
    const struct nl_family *family;
    struct datagrams notifications;
    struct nlmsghdr *nlh;

    datagrams_init(&notifications);
    unread_take(g, fd, &notifications);
    g->held = &notifications;
    while ((nlh = message_next(&data, &len))) {
        family = family_of(nlh);
        if (!family)
            forward(g, nlh);
        else if (nlh->nlmsg_type != family->family_id)
            nlctrl_answer(family, &sink, nlh);
        else
            carry_out(g, family, nlh);
    }
    g->held = NULL;
    datagrams_move(&g->queue, &notifications);
    pump(g);
}

/* Whether the message goes to the kernel and not to another process. */
static bool
to_kernel(const struct msghdr *msg)
{
    const struct sockaddr_nl *nl = msg->msg_name;

    return !nl || msg->msg_namelen < sizeof(*nl) || nl->nl_pid == 0;
}

static ssize_t
genl_sendmsg(struct vfd *vfd, int fd, const struct msghdr *msg, int flags)
{
    struct genl_vfd *g = genl_of(vfd);
    size_t len;
    uint8_t *data;
    bool ours;
    int error = 0;

    if (!to_kernel(msg))
        return sys()->sendmsg(is_swapped(g) ? g->hidden : fd, msg, flags);
    data = iov_gather(msg, &len);
    if (!data)
        return -1;
    preload_lock();
    if (!g->swapped && any_for_us(data, len))
        error = swap(g, fd);
    ours = g->swapped;
    if (ours)
        answer(g, fd, data, len);
    preload_unlock();
    iov_wipe(data, len);
    if (error) {
        errno = -error;
        return -1;
    }
    return ours ? (ssize_t)len : sys()->sendmsg(fd, msg, flags);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Returns whether it is a notification. */
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
    if (family)
        nl.nl_groups = 1U << ((family->group_id - 1) % 32);
    if (msg->msg_name && msg->msg_namelen)
        memcpy(msg->msg_name, &nl, msg->msg_namelen < sizeof(nl) ? msg->msg_namelen : sizeof(nl));
    msg->msg_namelen = msg->msg_name ? sizeof(nl) : 0;
    return family != NULL;
}

static void
heard(void)
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
        relay(g);
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
    if (g->foreign || __atomic_load_n(&g->waiting, __ATOMIC_ACQUIRE))
        refill(g);
    n = sys()->recvmsg(fd, &inner, flags);
    if (n < 0)
        return n;
    if (address_fill(msg, (size_t)n))
        heard();
    msg->msg_controllen = 0;
    msg->msg_flags = inner.msg_flags;
    if (__atomic_load_n(&g->waiting, __ATOMIC_ACQUIRE))
        refill(g);
    return n;
}

/* ---- other calls ----------------------------------------------------------------------------- */

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

/* NULL: none of ours. */
static const struct nl_family *
family_of_group(int group)
{
    for (unsigned i = 0; i < NL_FAMILIES; i++)
        if ((uint32_t)group == nl_families[i]->group_id)
            return nl_families[i];
    return NULL;
}

/* 1: done, 0: not ours, or -errno. */
static int
membership(struct genl_vfd *g, int fd, int name, const void *value, socklen_t len)
{
    const struct nl_family *family;
    int group, error = 0;

    if ((name != NETLINK_ADD_MEMBERSHIP && name != NETLINK_DROP_MEMBERSHIP) || len < sizeof(group))
        return 0;
    memcpy(&group, value, sizeof(group));
    family = family_of_group(group);
    if (!family || !offer_known()) {
        g->foreign |= g->swapped && name == NETLINK_ADD_MEMBERSHIP;
        return 0;
    }
    if (!g->swapped)
        error = swap(g, fd);
    if (error)
        return error;
    g->member[nl_family_index(family)] = name == NETLINK_ADD_MEMBERSHIP;
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

/* ---- life ------------------------------------------------------------------------------------ */

static void
genl_end(struct vfd *vfd)
{
    struct genl_vfd *g = genl_of(vfd);
    struct genl_vfd **at;

    if (!g->swapped)
        return;
    for (at = &swapped_vfds; *at && *at != g; at = &(*at)->next)
        ;
    if (*at)
        *at = g->next;
    sys()->close(g->inner);
    sys()->close(g->hidden);
    g->inner = g->hidden = -1; /* another thread may be inside, and the numbers are used again */
}

static void
genl_fini(struct vfd *vfd)
{
    struct genl_vfd *g = genl_of(vfd);

    datagrams_free(&g->queue);
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

    if (!g)
        return; /* the socket then reaches the kernel only */
    vfd_init(&g->vfd, VFD_GENL);
    g->hidden = g->inner = -1;
    datagrams_init(&g->queue);
    if (!vfd_set(fd, &g->vfd))
        free(g);
}

/* Where openvpn cannot be asked for a new key, a key that must not be used any more ends the
 * session, as a lost peer would, and openvpn makes a new one with new keys. */
static void
key_wanted(struct plane_dev *dev, bool renews, const struct dco_event *event)
{
    if (renews && event->key_spent) {
        log_line(LOG_LEVEL_ERROR, "peer %u: its key is used up, openvpn is asked for a new one",
                 event->peer_id);
    } else if (renews) {
        log_line(LOG_LEVEL_INFO, "peer %u: openvpn is asked for a new key", event->peer_id);
    } else if (!event->key_spent) {
        log_line(
            LOG_LEVEL_WARN,
            "peer %u: its key comes near its limit; lower reneg-sec, or the session ends there",
            event->peer_id);
    } else {
        log_line(
            LOG_LEVEL_ERROR,
            "peer %u: its key is used up, so the session ends and is made anew: lower reneg-sec",
            event->peer_id);
        (void)dco_control_peer_del(plane_dev_peers(dev), event->peer_id, DCO_DEL_EXPIRED);
    }
}

/* What openvpn itself has just done to a peer. */
static bool
caused_by_request(const struct dco_event *event)
{
    return event->kind == DCO_EVENT_DEL &&
           (event->del_reason == DCO_DEL_TEARDOWN || event->del_reason == DCO_DEL_USERSPACE);
}

/* What happens by itself goes behind the answers to a request: openvpn would close a client while
 * it is at work on it. A removal that goes before them leaves nothing behind about its peer. */
static void
notify(struct genl_vfd *g, const struct nl_family *family, const struct dco_event *event,
       const void *data, size_t len)
{
    bool now = !g->held || (family->keeps_order && caused_by_request(event));
    struct datagrams *list = now ? &g->queue : g->held;
    struct nl_peer_ref s;

    if (nl_peer_ref_of(family, data, &s)) {
        if (g->held && now)
            forget(g->held, family, &s, 0);
        if (event->kind == DCO_EVENT_FLOAT) /* only the last place counts */
            forget(list, family, &s, s.command);
    }
    datagrams_copy(list, data, len);
    if (now)
        pump(g);
}

static void
event_handle(struct plane_dev *dev, const struct nl_family *family, const struct dco_event *event)
{
    uint8_t buf[NL_NOTIFICATION_MAX] __attribute__((aligned(8)));
    size_t len = nl_notification_fill(family, buf, plane_dev_index(dev), event);
    unsigned number = nl_family_index(family);

    if (event->kind == DCO_EVENT_KEY_WANTED)
        key_wanted(dev, family->renews_keys, event);
    if (event->kind == DCO_EVENT_DEL && event->del_reason == DCO_DEL_EXPIRED &&
        restart_timer_applies(dev))
        restart_timer_start();
    for (struct genl_vfd *g = swapped_vfds; len && g; g = g->next)
        if (g->member[number])
            notify(g, family, event, buf, len);
}

void
genl_events(void)
{
    const struct nl_family *family;
    struct dco_event event;
    struct plane_dev *dev;

    while (plane_event_take(&dev, &event)) {
        family = nl_family_by_kind(plane_dev_kind(dev), SIZE_MAX);
        if (family)
            event_handle(dev, family, &event);
    }
}
