/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interposed functions on sockets. Each looks for a vfd behind the fd. If there is none, or if
 * one of our own threads calls, the C library does the work.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <unistd.h>

#include "linux/openvpn/offer.h"
#include "linux/preload/genl.h"
#include "linux/preload/hook.h"
#include "linux/preload/lock.h"
#include "linux/preload/rtnl.h"
#include "linux/preload/tcp.h"
#include "linux/preload/udp.h"
#include "linux/preload/vfd.h"
#include "linux/preload/vfd_swap.h"
#include "linux/sys/calls.h"
#include "linux/sys/std_fds.h"

/* Declared by the C library only under _FORTIFY_SOURCE. */
HOOK ssize_t __read_chk(int fd, void *buf, size_t len, size_t size);
HOOK ssize_t __recv_chk(int fd, void *buf, size_t len, size_t size, int flags);
HOOK ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags,
                            struct sockaddr *sa, socklen_t *sa_len);

/* The vfd that answers this call, or NULL if the C library does. */
static struct vfd *
answering(int fd)
{
    return preload_inside() ? NULL : vfd_get(fd);
}

/* Making descriptors */

HOOK int
socket(int domain, int type, int protocol)
{
    int fd = sys()->socket(domain, type, protocol);
    int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0 || preload_inside())
        return fd;
    vfd_unset(fd);
    if (domain == AF_NETLINK && protocol == NETLINK_GENERIC)
        genl_opened(fd);
    else if (domain == AF_NETLINK && protocol == NETLINK_ROUTE)
        rtnl_opened(fd);
    else if ((domain == AF_INET || domain == AF_INET6) && kind == SOCK_DGRAM && offer_known())
        udp_opened(fd);
    else if ((domain == AF_INET || domain == AF_INET6) && kind == SOCK_STREAM && offer_takes_tcp())
        tcp_opened(fd);
    return fd;
}

/* fd is a new connection. */
static int
accepted(int fd)
{
    if (fd < 0 || preload_inside())
        return fd;
    vfd_unset(fd);
    if (offer_takes_tcp() && tcp_check(fd) == 0)
        tcp_opened(fd);
    return fd;
}

HOOK int
accept(int fd, struct sockaddr *sa, socklen_t *len)
{
    return accepted(sys()->accept(fd, sa, len));
}

HOOK int
accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
    return accepted(sys()->accept4(fd, sa, len, flags));
}

HOOK int
close(int fd)
{
    if (!preload_inside())
        vfd_unset(fd);
    return sys()->close(fd);
}

/* `to` is a new fd of the open file of `from`. */
static int
duplicated(int from, int to)
{
    struct vfd *d = to < 0 || from == to ? NULL : answering(from);

    if (!preload_inside())
        std_fds_duplicated(to);
    if (d != NULL) {
        (void)vfd_set(to, d);
        vfd_put(d);
    }
    return to;
}

HOOK int
dup(int fd)
{
    return duplicated(fd, sys()->dup(fd));
}

HOOK int
dup2(int from, int to)
{
    if (from != to && !preload_inside())
        vfd_unset(to);
    return duplicated(from, sys()->dup2(from, to));
}

HOOK int
dup3(int from, int to, int flags)
{
    if (from != to && !preload_inside())
        vfd_unset(to);
    return duplicated(from, sys()->dup3(from, to, flags));
}

static int
any_fcntl(int fd, int command, void *arg)
{
    int result = sys()->fcntl(fd, command, arg);

    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
        return duplicated(fd, result);
    return result;
}

HOOK int
fcntl(int fd, int command, ...)
{
    va_list ap;
    void *arg;

    va_start(ap, command);
    arg = va_arg(ap, void *);
    va_end(ap);
    return any_fcntl(fd, command, arg);
}

HOOK int
fcntl64(int fd, int command, ...)
{
    va_list ap;
    void *arg;

    va_start(ap, command);
    arg = va_arg(ap, void *);
    va_end(ap);
    return any_fcntl(fd, command, arg);
}

HOOK int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    int result = sys()->epoll_ctl(epfd, op, fd, event);
    struct vfd *d = result < 0 ? NULL : answering(fd);

    if (d != NULL) {
        vfd_watched(d, epfd, op, event);
        vfd_put(d);
    }
    return result;
}

/* Sending */

/* NULL if no vfd answers. */
static struct vfd *
sending(int fd)
{
    struct vfd *d = answering(fd);

    if (d != NULL && vfd_ops(d)->sendmsg == NULL) {
        vfd_put(d);
        return NULL;
    }
    return d;
}

static ssize_t
send_through(struct vfd *d, int fd, const struct msghdr *msg, int flags)
{
    ssize_t n = vfd_ops(d)->sendmsg(d, fd, msg, flags);

    vfd_put(d);
    return n;
}

static ssize_t
send_piece(struct vfd *d, int fd, const void *data, size_t len, int flags,
           const struct sockaddr *sa, socklen_t sa_len)
{
    struct iovec iov = {(void *)data, len};
    struct msghdr msg = {
        .msg_name = (void *)sa, .msg_namelen = sa_len, .msg_iov = &iov, .msg_iovlen = 1};

    return send_through(d, fd, &msg, flags);
}

HOOK ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
    struct vfd *d = sending(fd);

    return d != NULL ? send_through(d, fd, msg, flags) : sys()->sendmsg(fd, msg, flags);
}

HOOK ssize_t
sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *sa, socklen_t sa_len)
{
    struct vfd *d = sending(fd);

    return d != NULL ? send_piece(d, fd, data, len, flags, sa, sa_len)
                     : sys()->sendto(fd, data, len, flags, sa, sa_len);
}

HOOK ssize_t
send(int fd, const void *data, size_t len, int flags)
{
    struct vfd *d = sending(fd);

    return d != NULL ? send_piece(d, fd, data, len, flags, NULL, 0)
                     : sys()->send(fd, data, len, flags);
}

HOOK ssize_t
write(int fd, const void *data, size_t len)
{
    struct vfd *d = sending(fd);

    return d != NULL ? send_piece(d, fd, data, len, 0, NULL, 0) : sys()->write(fd, data, len);
}

HOOK ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    struct vfd *d = n >= 0 ? sending(fd) : NULL;
    struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};

    return d != NULL ? send_through(d, fd, &msg, 0) : sys()->writev(fd, iov, n);
}

/* Receiving */

static struct vfd *
receiving(int fd)
{
    struct vfd *d = answering(fd);

    if (d != NULL && vfd_ops(d)->recvmsg == NULL) {
        vfd_put(d);
        return NULL;
    }
    return d;
}

static ssize_t
receive_through(struct vfd *d, int fd, struct msghdr *msg, int flags)
{
    ssize_t n = vfd_ops(d)->recvmsg(d, fd, msg, flags);

    vfd_put(d);
    return n;
}

static ssize_t
receive_piece(struct vfd *d, int fd, void *buf, size_t len, int flags, struct sockaddr *sa,
              socklen_t *sa_len)
{
    struct iovec iov = {buf, len};
    struct msghdr msg = {.msg_name = sa_len != NULL ? sa : NULL,
                         .msg_namelen = sa != NULL && sa_len != NULL ? *sa_len : 0,
                         .msg_iov = &iov,
                         .msg_iovlen = 1};
    ssize_t n = receive_through(d, fd, &msg, flags);

    if (n >= 0 && sa != NULL && sa_len != NULL)
        *sa_len = msg.msg_namelen;
    return n;
}

HOOK ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
    struct vfd *d = receiving(fd);

    return d != NULL ? receive_through(d, fd, msg, flags) : sys()->recvmsg(fd, msg, flags);
}

HOOK ssize_t
recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *sa, socklen_t *sa_len)
{
    struct vfd *d = receiving(fd);

    return d != NULL ? receive_piece(d, fd, buf, len, flags, sa, sa_len)
                     : sys()->recvfrom(fd, buf, len, flags, sa, sa_len);
}

HOOK ssize_t
recv(int fd, void *buf, size_t len, int flags)
{
    struct vfd *d = receiving(fd);

    return d != NULL ? receive_piece(d, fd, buf, len, flags, NULL, NULL)
                     : sys()->recv(fd, buf, len, flags);
}

HOOK ssize_t
read(int fd, void *buf, size_t len)
{
    struct vfd *d = receiving(fd);

    return d != NULL ? receive_piece(d, fd, buf, len, 0, NULL, NULL) : sys()->read(fd, buf, len);
}

HOOK ssize_t
readv(int fd, const struct iovec *iov, int n)
{
    struct vfd *d = n >= 0 ? receiving(fd) : NULL;
    struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};

    return d != NULL ? receive_through(d, fd, &msg, 0) : sys()->readv(fd, iov, n);
}

/* The C library aborts where len exceeds size, so that case goes to it. */

HOOK ssize_t
__recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags, struct sockaddr *sa,
               socklen_t *sa_len)
{
    struct vfd *d = len <= size ? receiving(fd) : NULL;

    return d != NULL ? receive_piece(d, fd, buf, len, flags, sa, sa_len)
                     : sys()->recvfrom_chk(fd, buf, len, size, flags, sa, sa_len);
}

HOOK ssize_t
__recv_chk(int fd, void *buf, size_t len, size_t size, int flags)
{
    struct vfd *d = len <= size ? receiving(fd) : NULL;

    return d != NULL ? receive_piece(d, fd, buf, len, flags, NULL, NULL)
                     : sys()->recv_chk(fd, buf, len, size, flags);
}

HOOK ssize_t
__read_chk(int fd, void *buf, size_t len, size_t size)
{
    struct vfd *d = len <= size ? receiving(fd) : NULL;

    return d != NULL ? receive_piece(d, fd, buf, len, 0, NULL, NULL)
                     : sys()->read_chk(fd, buf, len, size);
}

/* Other calls on sockets */

/* Defines a call that the vfd behind fd answers if it can, and the C library otherwise. */
#define HOOK_ANSWERED(call, parameters, ...)                                                       \
    HOOK int call parameters                                                                       \
    {                                                                                              \
        struct vfd *d = answering(fd);                                                             \
        bool ours = d != NULL && vfd_ops(d)->call != NULL;                                         \
        int result = ours ? vfd_ops(d)->call(d, __VA_ARGS__) : sys()->call(__VA_ARGS__);           \
                                                                                                   \
        if (d != NULL)                                                                             \
            vfd_put(d);                                                                            \
        return result;                                                                             \
    }

HOOK_ANSWERED(bind, (int fd, const struct sockaddr *sa, socklen_t len), fd, sa, len)
HOOK_ANSWERED(connect, (int fd, const struct sockaddr *sa, socklen_t len), fd, sa, len)
HOOK_ANSWERED(shutdown, (int fd, int how), fd, how)
HOOK_ANSWERED(getsockname, (int fd, struct sockaddr *sa, socklen_t *len), fd, sa, len)
HOOK_ANSWERED(getpeername, (int fd, struct sockaddr *sa, socklen_t *len), fd, sa, len)
HOOK_ANSWERED(getsockopt, (int fd, int level, int name, void *value, socklen_t *len), fd, level,
              name, value, len)
HOOK_ANSWERED(setsockopt, (int fd, int level, int name, const void *value, socklen_t len), fd,
              level, name, value, len)
