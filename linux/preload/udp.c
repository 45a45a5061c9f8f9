/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/preload/lock.h"
#include "linux/preload/vfd.h"
#include "linux/preload/vfd_swap.h"
#include "linux/openvpn/offer.h"
#include "linux/preload/group.h"
#include "linux/preload/vfd_kinds.h"
#include "linux/preload/lifecycle.h"
#include "linux/sys/calls.h"
#include "linux/preload/steer.h"
#include "linux/sys/log.h"

#define IOV_SMALL 16

struct udp_vfd {
    struct vfd vfd;
    struct plane_port *sock; /* atomic; set once, under the vfd lock. All below: vfd lock */
    int hidden;              /* the real socket, once swapped; the plane owns it */
    unsigned n;              /* members to read from; as many to send with, or without n one */
    unsigned senders;        /* members to send with, after them */
    int members[PLANE_MEMBERS_MAX]; /* the plane owns them once swapped */
    bool named;                     /* bound to a port that was named */
    bool shares;                    /* has a part of the receive buffers */
    struct group_buffers buffers;
    bool closed; /* atomic; the numbers above are no longer ours */
    struct udp_vfd *next;
};

static struct udp_vfd *vfds; /* vfd lock */

static void vfd_new(int fd);

static struct udp_vfd *
udp_of(struct vfd *vfd)
{
    return (struct udp_vfd *)vfd;
}

static struct plane_port *
sock_of(struct udp_vfd *u)
{
    return __atomic_load_n(&u->sock, __ATOMIC_ACQUIRE);
}

/* The descriptor of the real socket. */
static int
behind(struct udp_vfd *u, int fd)
{
    if (!sock_of(u))
        return fd;
    return __atomic_load_n(&u->closed, __ATOMIC_ACQUIRE) ? -1 : u->hidden;
}

/* ---- binding and swapping -------------------------------------------------------------------- */

static bool
wants_group(int fd)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a = {.sa = {0}};
    socklen_t len = sizeof(a);

    if (!offer_known() || offer_is_client())
        return false;
    if (sys()->getsockname(fd, &a.sa, &len) < 0)
        return false;
    return a.sa.sa_family == AF_INET || a.sa.sa_family == AF_INET6;
}

/* A server names its port. Whoever takes any free one has one peer, or is no transport at all. */
static bool
names_port(const struct sockaddr *sa, socklen_t len)
{
    if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in))
        return ((const struct sockaddr_in *)(const void *)sa)->sin_port != 0;
    if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6))
        return ((const struct sockaddr_in6 *)(const void *)sa)->sin6_port != 0;
    return false;
}

static unsigned
members(const struct udp_vfd *u)
{
    return u->n + u->senders;
}

static void
say_one_socket(int fd, int error)
{
    struct stat st = {.st_uid = 0};

    (void)fstat(fd, &st);
    if (error == -EPERM)
        log_line(
            LOG_LEVEL_WARN,
            "this port is read by one socket, so one worker decrypts everything: any process of "
            "uid %u could join a group of sockets and take its packets. Start openvpn as root to "
            "get a socket for each worker; after SIGUSR1 with --user, restart it fully",
            (unsigned)st.st_uid);
    else
        log_line(LOG_LEVEL_WARN,
                 "this port is read by one socket, so one worker decrypts everything: %s",
                 strerror(-error));
}

static void
make_members(struct udp_vfd *u, int fd)
{
    unsigned n = plane_group_size();
    int error;

    n = n < PLANE_WORKERS_MAX ? n : PLANE_WORKERS_MAX;
    error = group_make(fd, u->members, 2 * n);
    if (error)
        say_one_socket(fd, error);
    else
        u->n = u->senders = n;
}

/* A port with one peer is read from openvpn's own socket. */
static void
make_sender(struct udp_vfd *u, int fd)
{
    int error = group_make(fd, u->members, 1);

    if (error)
        log_line(LOG_LEVEL_DEBUG, "no socket of its own for sending, which is slower: %s",
                 strerror(-error));
    else
        u->senders = 1;
}

static void
number_of(struct vfd *vfd, int fd, void *arg)
{
    (void)vfd;
    *(int *)arg = fd;
}

/* All ports have parts of the same budget, so a further one makes the others' smaller. */
static void
share_buffers(struct udp_vfd *newest)
{
    size_t budget = rcvbuf_budget_here();
    unsigned ports = 0;

    newest->shares = true;
    for (struct udp_vfd *u = vfds; u; u = u->next)
        ports += u->shares;
    for (struct udp_vfd *u = vfds; u; u = u->next) {
        int fd = u->hidden;

        if (!u->shares)
            continue;
        if (fd < 0)
            vfd_each_fd(&u->vfd, number_of, &fd);
        u->buffers.share = rcvbuf_share(budget, ports, u->n);
        if (fd >= 0)
            group_buffers(fd, u->members, u->n, u->senders, &u->buffers);
    }
}

static int
udp_bind(struct vfd *vfd, int fd, const struct sockaddr *sa, socklen_t len)
{
    struct udp_vfd *u = udp_of(vfd);
    int result = sys()->bind(behind(u, fd), sa, len);

    if (result < 0 || !names_port(sa, len))
        return result;
    preload_lock();
    u->named = true;
    if (!u->sock && members(u) == 0 && wants_group(fd)) {
        make_members(u, fd);
        share_buffers(u);
    }
    preload_unlock();
    return result;
}

static void
swap_fd(struct vfd *vfd, int fd, void *arg)
{
    int error = vfd_swap(vfd, fd, *(int *)arg);

    if (error)
        log_line(LOG_LEVEL_ERROR, "cannot replace UDP socket %d: %s", fd, strerror(-error));
}

/* With IP_RECVERR an ICMP message ends up in a queue that only openvpn reads, when one of its own
 * calls fails: until then the socket never stops being ready, and a data packet that is sent gets
 * the error of another one. */
static void
errors_off(int fd)
{
    int off = 0;

    (void)sys()->setsockopt(fd, IPPROTO_IP, IP_RECVERR, &off, sizeof(off));
    (void)sys()->setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &off, sizeof(off));
}

static bool
is_recverr(int level, int name)
{
    return (level == IPPROTO_IP && name == IP_RECVERR) ||
           (level == IPPROTO_IPV6 && name == IPV6_RECVERR);
}

/* 0 or -errno; then openvpn goes on reading its socket. */
static int
swap(struct udp_vfd *u, int fd)
{
    struct plane_port *sock;
    int pair[2], hidden, error;

    hidden = sys()->fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (hidden < 0)
        return -errno;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0) {
        error = errno;
        sys()->close(hidden);
        return -error;
    }
    errors_off(hidden);
    if (members(u) == 0)
        make_sender(u, hidden);
    share_buffers(u);
    if (u->n)
        (void)steer_by_peer(hidden, u->n);
    error = plane_port_new(hidden, u->members, u->n, u->senders, pair[1], &sock);
    if (error) {
        u->n = u->senders = 0;
        sys()->close(pair[0]);
        return error;
    }
    u->hidden = hidden;
    vfd_each_fd(&u->vfd, swap_fd, &pair[0]);
    sys()->close(pair[0]);
    __atomic_store_n(&u->sock, sock, __ATOMIC_RELEASE);
    return 0;
}

int
udp_check(int fd)
{
    int type = 0, domain = 0, protocol = 0;
    socklen_t len = sizeof(int);
    struct vfd *vfd = vfd_get(fd);
    bool swapped = vfd && vfd->kind == VFD_UDP && sock_of(udp_of(vfd));

    if (vfd)
        vfd_put(vfd);
    if (swapped)
        return 0;
    if (sys()->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        sys()->getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
        sys()->getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0)
        return -ENOTSOCK;
    if (type != SOCK_DGRAM || protocol != IPPROTO_UDP)
        return -ENOTSOCK;
    return domain == AF_INET || domain == AF_INET6 ? 0 : -ENOTSOCK;
}

static int
transport_of(struct udp_vfd *u, int fd, struct plane_dev *dev, struct plane_port **sock)
{
    int error = u->sock ? 0 : swap(u, fd);

    if (!error)
        error = plane_port_bind_dev(u->sock, dev);
    if (error) {
        log_line(LOG_LEVEL_WARN, "cannot take over UDP socket %d, so the peer is refused: %s", fd,
                 strerror(-error));
        return -ENOTSOCK;
    }
    *sock = plane_port_get(u->sock);
    return 0;
}

int
udp_transport(int fd, struct plane_dev *dev, struct plane_port **sock)
{
    struct vfd *vfd = vfd_get(fd);
    int error = -ENOTSOCK;

    if (!vfd) { /* made before the process knew the family */
        vfd_new(fd);
        vfd = vfd_get(fd);
    }
    if (!vfd)
        return -ENOMEM;
    if (vfd->kind == VFD_UDP)
        error = transport_of(udp_of(vfd), fd, dev, sock);
    vfd_put(vfd);
    return error;
}

uint16_t
udp_port(const struct plane_port *sock)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);
    struct udp_vfd *u = vfds;

    while (u && u->sock != sock)
        u = u->next;
    if (!u || sys()->getsockname(u->hidden, (struct sockaddr *)&ss, &len) < 0)
        return 0;
    return ss.ss_family == AF_INET ? ((struct sockaddr_in *)&ss)->sin_port
                                   : ((struct sockaddr_in6 *)&ss)->sin6_port;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void
source_fill(struct msghdr *msg, const struct plane_control_hdr *hdr)
{
    socklen_t len = hdr->source_len;

    if (!msg->msg_name)
        return;
    memcpy(msg->msg_name, &hdr->source, len < msg->msg_namelen ? len : msg->msg_namelen);
    msg->msg_namelen = len;
}

static void
pktinfo_fill(struct msghdr *msg, const struct plane_control_hdr *hdr)
{
    bool v4 = hdr->has_pktinfo == AF_INET;
    size_t len = v4 ? sizeof(hdr->pktinfo.in) : sizeof(hdr->pktinfo.in6);
    size_t room = msg->msg_control ? msg->msg_controllen : 0;
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

/* The pair's datagrams start with the plane's header, so the reader's pieces move up by one. */
static ssize_t
pair_recv(int fd, struct msghdr *msg, int flags, struct plane_control_hdr *hdr)
{
    struct iovec small[IOV_SMALL], *iov = small;
    struct msghdr inner = {.msg_iovlen = msg->msg_iovlen + 1};
    ssize_t n;

    if (inner.msg_iovlen > IOV_SMALL)
        iov = calloc(inner.msg_iovlen, sizeof(*iov));
    if (!iov)
        return -1;
    iov[0] = (struct iovec){hdr, sizeof(*hdr)};
    if (msg->msg_iovlen)
        memcpy(&iov[1], msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
    inner.msg_iov = iov;
    n = sys()->recvmsg(fd, &inner, flags);
    msg->msg_flags = inner.msg_flags;
    if (iov != small)
        free(iov);
    return n;
}

static ssize_t
udp_recvmsg(struct vfd *vfd, int fd, struct msghdr *msg, int flags)
{
    struct udp_vfd *u = udp_of(vfd);
    struct plane_control_hdr hdr;
    ssize_t n;

    if (!sock_of(u) || (flags & MSG_ERRQUEUE))
        return sys()->recvmsg(behind(u, fd), msg, flags);
    n = pair_recv(fd, msg, flags, &hdr);
    if (n < 0)
        return n;
    if ((size_t)n < sizeof(hdr) || hdr.source_len > sizeof(hdr.source)) {
        errno = EAGAIN; /* nothing but the plane writes there */
        return -1;
    }
    source_fill(msg, &hdr);
    pktinfo_fill(msg, &hdr);
    return n - (ssize_t)sizeof(hdr);
}

/* ---- writing --------------------------------------------------------------------------------- */

static socklen_t
address_len(const struct sockaddr_storage *ss, socklen_t given)
{
    if (ss->ss_family == AF_INET)
        return sizeof(struct sockaddr_in);
    return ss->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : given;
}

static ssize_t
udp_sendmsg(struct vfd *vfd, int fd, const struct msghdr *msg, int flags)
{
    struct udp_vfd *u = udp_of(vfd);
    struct plane_port *sock = sock_of(u);
    struct sockaddr_storage to = {0};
    struct msghdr mapped = *msg;

    if (sock && msg->msg_name && msg->msg_namelen >= sizeof(struct sockaddr_in) &&
        msg->msg_namelen <= sizeof(to)) {
        memcpy(&to, msg->msg_name, msg->msg_namelen);
        plane_port_map_dest(sock, &to);
        mapped.msg_name = &to;
        mapped.msg_namelen = address_len(&to, msg->msg_namelen);
    }
    return sys()->sendmsg(behind(u, fd), &mapped, flags);
}

/* ---- other calls ----------------------------------------------------------------------------- */

static int
udp_connect(struct vfd *vfd, int fd, const struct sockaddr *sa, socklen_t len)
{
    return sys()->connect(behind(udp_of(vfd), fd), sa, len);
}

static int
udp_shutdown(struct vfd *vfd, int fd, int how)
{
    return sys()->shutdown(behind(udp_of(vfd), fd), how);
}

static int
udp_getsockname(struct vfd *vfd, int fd, struct sockaddr *sa, socklen_t *len)
{
    return sys()->getsockname(behind(udp_of(vfd), fd), sa, len);
}

static int
udp_getpeername(struct vfd *vfd, int fd, struct sockaddr *sa, socklen_t *len)
{
    return sys()->getpeername(behind(udp_of(vfd), fd), sa, len);
}

static int
udp_getsockopt(struct vfd *vfd, int fd, int level, int name, void *value, socklen_t *len)
{
    return sys()->getsockopt(behind(udp_of(vfd), fd), level, name, value, len);
}

/* All members send and receive for the port, so all have the same options. */
static int
udp_setsockopt(struct vfd *vfd, int fd, int level, int name, const void *value, socklen_t len)
{
    struct udp_vfd *u = udp_of(vfd);
    int result;

    if (sock_of(u) && is_recverr(level, name))
        return 0;
    result = sys()->setsockopt(behind(u, fd), level, name, value, len);
    if (result < 0 || (!sock_of(u) && is_recverr(level, name)))
        return result;
    preload_lock();
    for (unsigned i = 0; !u->closed && i < members(u); i++)
        (void)sys()->setsockopt(u->members[i], level, name, value, len);
    preload_unlock();
    if (sock_of(u) && level == SOL_SOCKET && name == SO_RCVTIMEO)
        return sys()->setsockopt(fd, level, name, value, len);
    return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* The port must be free when close() returns: openvpn binds it again at once. */
static void
udp_end(struct vfd *vfd)
{
    struct udp_vfd *u = udp_of(vfd);
    struct udp_vfd **at;

    for (at = &vfds; *at && *at != u; at = &(*at)->next)
        ;
    if (*at)
        *at = u->next;
    __atomic_store_n(&u->closed, true, __ATOMIC_RELEASE);
    if (u->sock)
        plane_port_close(u->sock);
    else
        for (unsigned i = 0; i < members(u); i++)
            sys()->close(u->members[i]);
}

static void
udp_fini(struct vfd *vfd)
{
    struct udp_vfd *u = udp_of(vfd);

    if (u->sock)
        plane_port_put(u->sock);
    free(u);
}

/* Once swapped, the plane closes them. The port of openvpn must be free when openvpn is gone, so
 * its own socket goes as well; no child of it has a use for that. */
static void
udp_fork_child(struct vfd *vfd, int fd)
{
    struct udp_vfd *u = udp_of(vfd);

    if (u->sock)
        return;
    for (unsigned i = 0; i < members(u); i++)
        sys()->close(u->members[i]);
    if (u->named && offer_is_openvpn())
        sys()->close(fd);
}

const struct vfd_ops udp_ops = {
    .sendmsg = udp_sendmsg,
    .recvmsg = udp_recvmsg,
    .bind = udp_bind,
    .connect = udp_connect,
    .shutdown = udp_shutdown,
    .getsockname = udp_getsockname,
    .getpeername = udp_getpeername,
    .getsockopt = udp_getsockopt,
    .setsockopt = udp_setsockopt,
    .end = udp_end,
    .fini = udp_fini,
    .fork_child = udp_fork_child,
};

/* The vfd lock held. */
static void
vfd_new(int fd)
{
    struct udp_vfd *u = calloc(1, sizeof(*u));

    if (!u)
        return;
    vfd_init(&u->vfd, VFD_UDP);
    u->hidden = -1;
    if (!vfd_set(fd, &u->vfd)) {
        free(u);
        return;
    }
    u->next = vfds;
    vfds = u;
}

void
udp_opened(int fd)
{
    vfd_unset(fd); /* a stale one ends under the lock, so before it is taken */
    preload_lock();
    vfd_new(fd);
    lifecycle_answer();
    preload_unlock();
}
