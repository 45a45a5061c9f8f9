/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/doorway/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/doorway/door.h"
#include "linux/doorway/family.h"
#include "linux/doorway/group.h"
#include "linux/doorway/kinds.h"
#include "linux/doorway/life.h"
#include "linux/doorway/real.h"
#include "linux/doorway/steer.h"
#include "linux/plane/log.h"

#define IOV_SMALL 16

struct udp_door {
    struct door door;
    struct plane_sock *sock; /* atomic; set once, under the door lock. All below: door lock */
    int hidden;              /* the real socket, once swapped; the plane owns it */
    unsigned n;              /* members to read from; as many to send with, or without n one */
    unsigned senders;        /* members to send with, after them */
    int members[PLANE_MEMBERS_MAX]; /* the plane owns them once swapped */
    bool named;                     /* bound to a port that was named */
    bool shares;                    /* has a part of the receive buffers */
    struct group_buffers buffers;
    bool closed; /* atomic; the numbers above are no longer ours */
    struct udp_door *next;
};

static struct udp_door *doors; /* door lock */

static void door_new(int fd);

static struct udp_door *
udp_of(struct door *door)
{
    return (struct udp_door *)door;
}

static struct plane_sock *
sock_of(struct udp_door *u)
{
    return __atomic_load_n(&u->sock, __ATOMIC_ACQUIRE);
}

/* The descriptor of the real socket. */
static int
behind(struct udp_door *u, int fd)
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

    if (!family_known() || family_is_client())
        return false;
    if (real()->getsockname(fd, &a.sa, &len) < 0)
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
members(const struct udp_door *u)
{
    return u->n + u->senders;
}

static void
say_one_socket(int fd, int error)
{
    struct stat st = {.st_uid = 0};

    (void)fstat(fd, &st);
    if (error == -EPERM)
        dco_log(
            DCO_LOG_WARN,
            "this port is read by one socket, and so by one worker: any process of uid %u could "
            "join a group of sockets and take its packets. A start as root makes one for each "
            "worker; after SIGUSR1 with --user, openvpn must be started anew for them",
            (unsigned)st.st_uid);
    else
        dco_log(DCO_LOG_WARN, "this port is read by one socket, and so by one worker: %s",
                strerror(-error));
}

static void
make_members(struct udp_door *u, int fd)
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
make_sender(struct udp_door *u, int fd)
{
    int error = group_make(fd, u->members, 1);

    if (error)
        dco_log(DCO_LOG_DEBUG, "the socket that is read sends too: %s", strerror(-error));
    else
        u->senders = 1;
}

static void
number_of(struct door *door, int fd, void *arg)
{
    (void)door;
    *(int *)arg = fd;
}

/* All ports have parts of the same budget, so a further one makes the others' smaller. */
static void
share_buffers(struct udp_door *newest)
{
    size_t budget = rcvbuf_budget_here();
    unsigned ports = 0;

    newest->shares = true;
    for (struct udp_door *u = doors; u; u = u->next)
        ports += u->shares;
    for (struct udp_door *u = doors; u; u = u->next) {
        int fd = u->hidden;

        if (!u->shares)
            continue;
        if (fd < 0)
            door_each_fd(&u->door, number_of, &fd);
        u->buffers.share = rcvbuf_share(budget, ports, u->n);
        if (fd >= 0)
            group_buffers(fd, u->members, u->n, u->senders, &u->buffers);
    }
}

static int
udp_bind(struct door *door, int fd, const struct sockaddr *sa, socklen_t len)
{
    struct udp_door *u = udp_of(door);
    int result = real()->bind(behind(u, fd), sa, len);

    if (result < 0 || !names_port(sa, len))
        return result;
    door_lock();
    u->named = true;
    if (!u->sock && members(u) == 0 && wants_group(fd)) {
        make_members(u, fd);
        share_buffers(u);
    }
    door_unlock();
    return result;
}

static void
swap_fd(struct door *door, int fd, void *arg)
{
    int error = door_swap(door, fd, *(int *)arg);

    if (error)
        dco_log(DCO_LOG_ERROR, "cannot replace UDP socket %d: %s", fd, strerror(-error));
}

/* With IP_RECVERR an ICMP message ends up in a queue that only openvpn reads, when one of its own
 * calls fails: until then the socket never stops being ready, and a data packet that is sent gets
 * the error of another one. */
static void
errors_off(int fd)
{
    int off = 0;

    (void)real()->setsockopt(fd, IPPROTO_IP, IP_RECVERR, &off, sizeof(off));
    (void)real()->setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &off, sizeof(off));
}

static bool
is_recverr(int level, int name)
{
    return (level == IPPROTO_IP && name == IP_RECVERR) ||
           (level == IPPROTO_IPV6 && name == IPV6_RECVERR);
}

/* 0 or -errno; then openvpn goes on reading its socket. */
static int
swap(struct udp_door *u, int fd)
{
    struct plane_sock *sock;
    int pair[2], hidden, error;

    hidden = real()->fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (hidden < 0)
        return -errno;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0) {
        error = errno;
        real()->close(hidden);
        return -error;
    }
    errors_off(hidden);
    if (members(u) == 0)
        make_sender(u, hidden);
    share_buffers(u);
    if (u->n)
        (void)steer_by_peer(hidden, u->n);
    error = plane_sock_new(hidden, u->members, u->n, u->senders, pair[1], &sock);
    if (error) {
        u->n = u->senders = 0;
        real()->close(pair[0]);
        return error;
    }
    u->hidden = hidden;
    door_each_fd(&u->door, swap_fd, &pair[0]);
    real()->close(pair[0]);
    __atomic_store_n(&u->sock, sock, __ATOMIC_RELEASE);
    return 0;
}

int
udp_check(int fd)
{
    int type = 0, domain = 0, protocol = 0;
    socklen_t len = sizeof(int);
    struct door *door = door_get(fd);
    bool swapped = door && door->kind == DOOR_UDP && sock_of(udp_of(door));

    if (door)
        door_put(door);
    if (swapped)
        return 0;
    if (real()->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        real()->getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
        real()->getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0)
        return -ENOTSOCK;
    if (type != SOCK_DGRAM || protocol != IPPROTO_UDP)
        return -ENOTSOCK;
    return domain == AF_INET || domain == AF_INET6 ? 0 : -ENOTSOCK;
}

static int
transport_of(struct udp_door *u, int fd, struct plane_dev *dev, struct plane_sock **sock)
{
    int error = u->sock ? 0 : swap(u, fd);

    if (!error)
        error = plane_sock_bind_dev(u->sock, dev);
    if (error) {
        dco_log(DCO_LOG_WARN, "cannot take over UDP socket %d: %s", fd, strerror(-error));
        return -ENOTSOCK;
    }
    *sock = plane_sock_get(u->sock);
    return 0;
}

int
udp_transport(int fd, struct plane_dev *dev, struct plane_sock **sock)
{
    struct door *door = door_get(fd);
    int error = -ENOTSOCK;

    if (!door) { /* made before the process knew the family */
        door_new(fd);
        door = door_get(fd);
    }
    if (!door)
        return -ENOMEM;
    if (door->kind == DOOR_UDP)
        error = transport_of(udp_of(door), fd, dev, sock);
    door_put(door);
    return error;
}

uint16_t
udp_port(const struct plane_sock *sock)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);
    struct udp_door *u = doors;

    while (u && u->sock != sock)
        u = u->next;
    if (!u || real()->getsockname(u->hidden, (struct sockaddr *)&ss, &len) < 0)
        return 0;
    return ss.ss_family == AF_INET ? ((struct sockaddr_in *)&ss)->sin_port
                                   : ((struct sockaddr_in6 *)&ss)->sin6_port;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void
source_fill(struct msghdr *msg, const struct plane_ctrl_hdr *hdr)
{
    socklen_t len = hdr->source_len;

    if (!msg->msg_name)
        return;
    memcpy(msg->msg_name, &hdr->source, len < msg->msg_namelen ? len : msg->msg_namelen);
    msg->msg_namelen = len;
}

static void
pktinfo_fill(struct msghdr *msg, const struct plane_ctrl_hdr *hdr)
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
pair_recv(int fd, struct msghdr *msg, int flags, struct plane_ctrl_hdr *hdr)
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
    n = real()->recvmsg(fd, &inner, flags);
    msg->msg_flags = inner.msg_flags;
    if (iov != small)
        free(iov);
    return n;
}

static ssize_t
udp_recvmsg(struct door *door, int fd, struct msghdr *msg, int flags)
{
    struct udp_door *u = udp_of(door);
    struct plane_ctrl_hdr hdr;
    ssize_t n;

    if (!sock_of(u) || (flags & MSG_ERRQUEUE))
        return real()->recvmsg(behind(u, fd), msg, flags);
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
udp_sendmsg(struct door *door, int fd, const struct msghdr *msg, int flags)
{
    struct udp_door *u = udp_of(door);
    struct plane_sock *sock = sock_of(u);
    struct sockaddr_storage to = {0};
    struct msghdr mapped = *msg;

    if (sock && msg->msg_name && msg->msg_namelen >= sizeof(struct sockaddr_in) &&
        msg->msg_namelen <= sizeof(to)) {
        memcpy(&to, msg->msg_name, msg->msg_namelen);
        plane_sock_map_dest(sock, &to);
        mapped.msg_name = &to;
        mapped.msg_namelen = address_len(&to, msg->msg_namelen);
    }
    return real()->sendmsg(behind(u, fd), &mapped, flags);
}

/* ---- other calls ----------------------------------------------------------------------------- */

static int
udp_connect(struct door *door, int fd, const struct sockaddr *sa, socklen_t len)
{
    return real()->connect(behind(udp_of(door), fd), sa, len);
}

static int
udp_shutdown(struct door *door, int fd, int how)
{
    return real()->shutdown(behind(udp_of(door), fd), how);
}

static int
udp_getsockname(struct door *door, int fd, struct sockaddr *sa, socklen_t *len)
{
    return real()->getsockname(behind(udp_of(door), fd), sa, len);
}

static int
udp_getpeername(struct door *door, int fd, struct sockaddr *sa, socklen_t *len)
{
    return real()->getpeername(behind(udp_of(door), fd), sa, len);
}

static int
udp_getsockopt(struct door *door, int fd, int level, int name, void *value, socklen_t *len)
{
    return real()->getsockopt(behind(udp_of(door), fd), level, name, value, len);
}

/* All members send and receive for the port, so all have the same options. */
static int
udp_setsockopt(struct door *door, int fd, int level, int name, const void *value, socklen_t len)
{
    struct udp_door *u = udp_of(door);
    int result;

    if (sock_of(u) && is_recverr(level, name))
        return 0;
    result = real()->setsockopt(behind(u, fd), level, name, value, len);
    if (result < 0 || (!sock_of(u) && is_recverr(level, name)))
        return result;
    door_lock();
    for (unsigned i = 0; !u->closed && i < members(u); i++)
        (void)real()->setsockopt(u->members[i], level, name, value, len);
    door_unlock();
    if (sock_of(u) && level == SOL_SOCKET && name == SO_RCVTIMEO)
        return real()->setsockopt(fd, level, name, value, len);
    return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* The port must be free when close() returns: openvpn binds it again at once. */
static void
udp_end(struct door *door)
{
    struct udp_door *u = udp_of(door);
    struct udp_door **at;

    for (at = &doors; *at && *at != u; at = &(*at)->next)
        ;
    if (*at)
        *at = u->next;
    __atomic_store_n(&u->closed, true, __ATOMIC_RELEASE);
    if (u->sock)
        plane_sock_close(u->sock);
    else
        for (unsigned i = 0; i < members(u); i++)
            real()->close(u->members[i]);
}

static void
udp_fini(struct door *door)
{
    struct udp_door *u = udp_of(door);

    if (u->sock)
        plane_sock_put(u->sock);
    free(u);
}

/* Once swapped, the plane closes them. The port of openvpn must be free when openvpn is gone, so
 * its own socket goes as well; no child of it has a use for that. */
static void
udp_fork_child(struct door *door, int fd)
{
    struct udp_door *u = udp_of(door);

    if (u->sock)
        return;
    for (unsigned i = 0; i < members(u); i++)
        real()->close(u->members[i]);
    if (u->named && family_is_openvpn())
        real()->close(fd);
}

const struct door_ops udp_ops = {
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

/* Door lock held. */
static void
door_new(int fd)
{
    struct udp_door *u = calloc(1, sizeof(*u));

    if (!u)
        return;
    door_init(&u->door, DOOR_UDP);
    u->hidden = -1;
    if (!door_set(fd, &u->door)) {
        free(u);
        return;
    }
    u->next = doors;
    doors = u;
}

void
udp_opened(int fd)
{
    door_unset(fd); /* a stale one ends under the lock, so before it is taken */
    door_lock();
    door_new(fd);
    life_answer();
    door_unlock();
}
