/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every function of the C library that this library stands in front of. Each looks whether a vfd
 * stands behind the descriptor; if not, or if the plane itself calls, the C library does the work.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

#include "linux/preload/vfd.h"
#include "linux/openvpn/offer.h"
#include "linux/preload/genl.h"
#include "linux/preload/lifecycle.h"
#include "linux/sys/calls.h"
#include "linux/preload/rtnl.h"
#include "linux/sys/std_fds.h"
#include "linux/preload/udp.h"
#include "linux/sys/log.h"

#define HOOK __attribute__((visibility("default")))

/* Declared by the C library only under _FORTIFY_SOURCE. */
HOOK ssize_t __read_chk(int fd, void *buf, size_t len, size_t size);
HOOK ssize_t __recv_chk(int fd, void *buf, size_t len, size_t size, int flags);
HOOK ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags,
                            struct sockaddr *sa, socklen_t *sa_len);
HOOK int __open_2(const char *path, int flags);
HOOK int __open64_2(const char *path, int flags);

/* The vfd that answers this call instead of the C library. */
static struct vfd *
answering(int fd)
{
    return preload_inside() ? NULL : vfd_get(fd);
}

/* ---- making descriptors ---------------------------------------------------------------------- */

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
    return fd;
}

HOOK int
close(int fd)
{
    if (!preload_inside())
        vfd_unset(fd);
    return sys()->close(fd);
}

/* `to` is a new number for the open file of `from`. */
static int
duplicated(int from, int to)
{
    struct vfd *d = to < 0 || from == to ? NULL : answering(from);

    if (!preload_inside())
        std_fds_duplicated(to);
    if (d) {
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

    if (d) {
        vfd_watched(d, epfd, op, event);
        vfd_put(d);
    }
    return result;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* NULL if no vfd answers. */
static struct vfd *
sending(int fd)
{
    struct vfd *d = answering(fd);

    if (d && !vfd_ops(d)->sendmsg) {
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

    return d ? send_through(d, fd, msg, flags) : sys()->sendmsg(fd, msg, flags);
}

HOOK ssize_t
sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *sa, socklen_t sa_len)
{
    struct vfd *d = sending(fd);

    return d ? send_piece(d, fd, data, len, flags, sa, sa_len)
             : sys()->sendto(fd, data, len, flags, sa, sa_len);
}

HOOK ssize_t
send(int fd, const void *data, size_t len, int flags)
{
    struct vfd *d = sending(fd);

    return d ? send_piece(d, fd, data, len, flags, NULL, 0) : sys()->send(fd, data, len, flags);
}

HOOK ssize_t
write(int fd, const void *data, size_t len)
{
    struct vfd *d = sending(fd);

    return d ? send_piece(d, fd, data, len, 0, NULL, 0) : sys()->write(fd, data, len);
}

HOOK ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    struct vfd *d = n >= 0 ? sending(fd) : NULL;
    struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};

    return d ? send_through(d, fd, &msg, 0) : sys()->writev(fd, iov, n);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static struct vfd *
receiving(int fd)
{
    struct vfd *d = answering(fd);

    if (d && !vfd_ops(d)->recvmsg) {
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
    struct msghdr msg = {.msg_name = sa_len ? sa : NULL,
                         .msg_namelen = sa && sa_len ? *sa_len : 0,
                         .msg_iov = &iov,
                         .msg_iovlen = 1};
    ssize_t n = receive_through(d, fd, &msg, flags);

    if (n >= 0 && sa && sa_len)
        *sa_len = msg.msg_namelen;
    return n;
}

HOOK ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
    struct vfd *d = receiving(fd);

    return d ? receive_through(d, fd, msg, flags) : sys()->recvmsg(fd, msg, flags);
}

HOOK ssize_t
recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *sa, socklen_t *sa_len)
{
    struct vfd *d = receiving(fd);

    return d ? receive_piece(d, fd, buf, len, flags, sa, sa_len)
             : sys()->recvfrom(fd, buf, len, flags, sa, sa_len);
}

HOOK ssize_t
recv(int fd, void *buf, size_t len, int flags)
{
    struct vfd *d = receiving(fd);

    return d ? receive_piece(d, fd, buf, len, flags, NULL, NULL) : sys()->recv(fd, buf, len, flags);
}

HOOK ssize_t
read(int fd, void *buf, size_t len)
{
    struct vfd *d = receiving(fd);

    return d ? receive_piece(d, fd, buf, len, 0, NULL, NULL) : sys()->read(fd, buf, len);
}

HOOK ssize_t
readv(int fd, const struct iovec *iov, int n)
{
    struct vfd *d = n >= 0 ? receiving(fd) : NULL;
    struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};

    return d ? receive_through(d, fd, &msg, 0) : sys()->readv(fd, iov, n);
}

/* The C library aborts where len exceeds size, so that case goes to it. */

HOOK ssize_t
__recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags, struct sockaddr *sa,
               socklen_t *sa_len)
{
    struct vfd *d = len <= size ? receiving(fd) : NULL;

    return d ? receive_piece(d, fd, buf, len, flags, sa, sa_len)
             : sys()->recvfrom_chk(fd, buf, len, size, flags, sa, sa_len);
}

HOOK ssize_t
__recv_chk(int fd, void *buf, size_t len, size_t size, int flags)
{
    struct vfd *d = len <= size ? receiving(fd) : NULL;

    return d ? receive_piece(d, fd, buf, len, flags, NULL, NULL)
             : sys()->recv_chk(fd, buf, len, size, flags);
}

HOOK ssize_t
__read_chk(int fd, void *buf, size_t len, size_t size)
{
    struct vfd *d = len <= size ? receiving(fd) : NULL;

    return d ? receive_piece(d, fd, buf, len, 0, NULL, NULL) : sys()->read_chk(fd, buf, len, size);
}

/* ---- other calls on sockets ------------------------------------------------------------------ */

HOOK int
bind(int fd, const struct sockaddr *sa, socklen_t len)
{
    struct vfd *d = answering(fd);
    int result =
        d && vfd_ops(d)->bind ? vfd_ops(d)->bind(d, fd, sa, len) : sys()->bind(fd, sa, len);

    if (d)
        vfd_put(d);
    return result;
}

HOOK int
connect(int fd, const struct sockaddr *sa, socklen_t len)
{
    struct vfd *d = answering(fd);
    int result = d && vfd_ops(d)->connect ? vfd_ops(d)->connect(d, fd, sa, len)
                                          : sys()->connect(fd, sa, len);

    if (d)
        vfd_put(d);
    return result;
}

HOOK int
shutdown(int fd, int how)
{
    struct vfd *d = answering(fd);
    int result =
        d && vfd_ops(d)->shutdown ? vfd_ops(d)->shutdown(d, fd, how) : sys()->shutdown(fd, how);

    if (d)
        vfd_put(d);
    return result;
}

HOOK int
getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
    struct vfd *d = answering(fd);
    int result = d && vfd_ops(d)->getsockname ? vfd_ops(d)->getsockname(d, fd, sa, len)
                                              : sys()->getsockname(fd, sa, len);

    if (d)
        vfd_put(d);
    return result;
}

HOOK int
getpeername(int fd, struct sockaddr *sa, socklen_t *len)
{
    struct vfd *d = answering(fd);
    int result = d && vfd_ops(d)->getpeername ? vfd_ops(d)->getpeername(d, fd, sa, len)
                                              : sys()->getpeername(fd, sa, len);

    if (d)
        vfd_put(d);
    return result;
}

HOOK int
getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    struct vfd *d = answering(fd);
    int result = d && vfd_ops(d)->getsockopt
                     ? vfd_ops(d)->getsockopt(d, fd, level, name, value, len)
                     : sys()->getsockopt(fd, level, name, value, len);

    if (d)
        vfd_put(d);
    return result;
}

HOOK int
setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    struct vfd *d = answering(fd);
    int result = d && vfd_ops(d)->setsockopt
                     ? vfd_ops(d)->setsockopt(d, fd, level, name, value, len)
                     : sys()->setsockopt(fd, level, name, value, len);

    if (d)
        vfd_put(d);
    return result;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* The device may have other names (--dev-node). */
static bool
is_tun_node(const char *path, int fd)
{
    struct stat st;

    if (strcmp(path, "/dev/net/tun") == 0)
        return true;
    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(10, 200);
}

/* Few files are opened to read and to write, so is_tun_node() is rarely called. */
static void
look_for_tun(const char *path, int flags, int fd)
{
    if (fd < 0 || (flags & O_ACCMODE) != O_RDWR || preload_inside() || !is_tun_node(path, fd))
        return;
    preload_lock();
    if (offer_tun_opened())
        lifecycle_answer();
    preload_unlock();
}

static int
any_open(const char *path, int flags, mode_t mode)
{
    int fd = sys()->open(path, flags, mode);

    look_for_tun(path, flags, fd);
    return fd;
}

HOOK int
open(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode;

    va_start(ap, flags);
    mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return any_open(path, flags, mode);
}

HOOK int
open64(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode;

    va_start(ap, flags);
    mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return any_open(path, flags, mode);
}

HOOK int
__open_2(const char *path, int flags)
{
    int fd = sys()->open_2(path, flags);

    look_for_tun(path, flags, fd);
    return fd;
}

HOOK int
__open64_2(const char *path, int flags)
{
    int fd = sys()->open_2(path, flags);

    look_for_tun(path, flags, fd);
    return fd;
}

/* openvpn prints the first line of such a file as the DCO version; 2.7 looks for the folder first.
 */
#define MODULE_2_6 "/sys/module/ovpn_dco_v2"
#define MODULE_2_7 "/sys/module/ovpn"

static FILE *
any_fopen(const char *path, const char *mode)
{
    static const char version[] = OPENDCO_VERSION " (OpenDCO)\n";

    if (mode[0] == 'r' &&
        (strcmp(path, MODULE_2_6 "/version") == 0 || strcmp(path, MODULE_2_7 "/version") == 0))
        return fmemopen((void *)version, sizeof(version) - 1, "r");
    if (mode[0] == 'r' && !preload_inside())
        offer_file_opened(path);
    return sys()->fopen(path, mode);
}

/* True if stat() has failed for want of that folder only. */
static bool
stands_in(const char *path, int result)
{
    return result < 0 && errno == ENOENT && strcmp(path, MODULE_2_7) == 0;
}

HOOK int
stat(const char *path, struct stat *st)
{
    int result = fstatat(AT_FDCWD, path, st, 0);

    if (!stands_in(path, result))
        return result;
    *st = (struct stat){.st_mode = S_IFDIR | 0555};
    return 0;
}

HOOK int
stat64(const char *path, struct stat64 *st)
{
    int result = fstatat64(AT_FDCWD, path, st, 0);

    if (!stands_in(path, result))
        return result;
    *st = (struct stat64){.st_mode = S_IFDIR | 0555};
    return 0;
}

HOOK FILE *
fopen(const char *path, const char *mode)
{
    return any_fopen(path, mode);
}

HOOK FILE *
fopen64(const char *path, const char *mode)
{
    return any_fopen(path, mode);
}

/* ---- the process ----------------------------------------------------------------------------- */

HOOK int
daemon(int nochdir, int noclose)
{
    return lifecycle_daemon(nochdir, noclose);
}

HOOK void
openlog(const char *ident, int option, int facility)
{
    log_use_syslog();
    sys()->openlog(ident, option, facility);
}
