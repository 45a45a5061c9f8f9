/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "linux/preload/lock.h"
#include "linux/preload/vfd.h"
#include "linux/preload/vfd_kinds.h"
#include "linux/preload/vfd_swap.h"
#include "linux/sys/calls.h"
#include "linux/sys/iov.h"
#include "linux/sys/limits.h"
#include "linux/sys/log.h"

struct tcp_vfd {
    struct vfd vfd;
    struct plane_port *port; /* const once swapped; a stream */
    bool swapped; /* atomic; set once, under the preload lock: fd is an end of the pair */
    struct dco_frame_meter read; /* openvpn's thread; what it has read, until the swap */
};

static struct tcp_vfd *
tcp_of(struct vfd *vfd)
{
    return (struct tcp_vfd *)vfd;
}

static bool
is_swapped(const struct tcp_vfd *t)
{
    return dco_load_acquire(&t->swapped);
}

/* The descriptor of the connection; -1 if that is closed. */
static int
behind(const struct tcp_vfd *t, int fd)
{
    return is_swapped(t) ? plane_port_fd(t->port) : fd;
}

/* Swapping */

static bool
stands_for_stream(int fd)
{
    struct vfd *vfd = vfd_get(fd);
    bool swapped = vfd != NULL && vfd->kind == VFD_TCP && is_swapped(tcp_of(vfd));

    if (vfd != NULL)
        vfd_put(vfd);
    return swapped;
}

static int
option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);

    return sys()->getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

int
tcp_check(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    if (stands_for_stream(fd))
        return 0;
    if (option(fd, SO_TYPE) != SOCK_STREAM || option(fd, SO_PROTOCOL) != IPPROTO_TCP)
        return -ENOTSOCK;
    if (sys()->getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return -ENOTSOCK;
    return info.tcpi_state == TCP_ESTABLISHED || info.tcpi_state == TCP_CLOSE_WAIT ? 0 : -ENOTSOCK;
}

/* A client of openvpn's has one descriptor; a stream has two more. Where openvpn's own limit was
 * enough for its clients, it is so again. */
static void
room_make(void)
{
    static bool done; /* preload lock */

    if (!done)
        limits_raise_files(3);
    done = true;
}

/* 0 or -errno; then openvpn goes on reading its connection. */
static int
swap(struct tcp_vfd *t, int fd)
{
    struct vfd_pair pair;
    int own, err;

    room_make();
    own = vfd_hide(fd);
    if (own < 0)
        return own;
    err = vfd_pair_make(&pair, SOCK_STREAM);
    if (err < 0) {
        sys()->close(own);
        return err;
    }
    err = plane_stream_new(own, pair.inner, &t->read, &t->port);
    if (err < 0) {
        sys()->close(pair.outer);
        return err;
    }
    vfd_pair_swap(&t->vfd, &pair, "TCP");
    dco_store_release(&t->swapped, true);
    return 0;
}

static int
transport_of(struct tcp_vfd *t, int fd, struct plane_dev *dev, struct plane_port **port)
{
    int err = is_swapped(t) ? 0 : swap(t, fd);

    if (err == 0)
        err = plane_port_bind_dev(t->port, dev);
    if (err < 0) {
        log_line(LOG_LEVEL_WARN, "cannot take over TCP connection %d, so the peer is refused: %s",
                 fd, strerror(-err));
        return -ENOTSOCK;
    }
    *port = plane_port_get(t->port);
    return 0;
}

int
tcp_transport(int fd, struct plane_dev *dev, struct plane_port **port)
{
    struct vfd *vfd = vfd_get(fd);
    int err = -ENOTSOCK;

    if (vfd == NULL) { /* openvpn did not make it itself (--inetd) */
        tcp_opened(fd);
        vfd = vfd_get(fd);
    }
    if (vfd == NULL)
        return -ENOMEM;
    if (vfd->kind == VFD_TCP)
        err = transport_of(tcp_of(vfd), fd, dev, port);
    vfd_put(vfd);
    return err;
}

/* Reading and writing */

/* As recvmsg(2), but at most up to the end of a frame. */
static ssize_t
read_metered(struct tcp_vfd *t, int fd, struct msghdr *msg, int flags)
{
    uint8_t next[DCO_FRAME_HDR] = {0};
    struct iovec iov = msg->msg_iovlen > 0 ? msg->msg_iov[0] : (struct iovec){0};
    struct msghdr one = *msg;
    size_t limit;
    ssize_t n = 0;

    if (t->read.left == 0)
        n = sys()->recv(fd, next, sizeof(next), (flags & ~MSG_WAITALL) | MSG_PEEK);
    if (n < 0 || (n == 0 && t->read.left == 0))
        return n;
    limit = dco_frame_meter_limit(&t->read, next, (size_t)n);
    iov.iov_len = iov.iov_len < limit ? iov.iov_len : limit;
    one.msg_iov = &iov;
    one.msg_iovlen = 1;
    n = sys()->recvmsg(fd, &one, flags);
    msg->msg_namelen = one.msg_namelen;
    msg->msg_controllen = one.msg_controllen;
    msg->msg_flags = one.msg_flags;
    if (n > 0 && (flags & MSG_PEEK) == 0)
        dco_frame_meter_took(&t->read, iov.iov_base, (size_t)n);
    return n;
}

/* Behind the last frame openvpn reads how the connection ended: an error once, then its end. */
static ssize_t
read_pair(struct tcp_vfd *t, int fd, struct msghdr *msg, int flags)
{
    ssize_t n = sys()->recvmsg(fd, msg, flags);
    int err = n == 0 ? plane_stream_take_error(t->port) : 0;

    if (err == 0)
        return n;
    errno = err;
    return -1;
}

static ssize_t
tcp_recvmsg(struct vfd *vfd, int fd, struct msghdr *msg, int flags)
{
    struct tcp_vfd *t = tcp_of(vfd);

    return is_swapped(t) ? read_pair(t, fd, msg, flags) : read_metered(t, fd, msg, flags);
}

/* openvpn sends a frame with each call. */
static ssize_t
tcp_sendmsg(struct vfd *vfd, int fd, const struct msghdr *msg, int flags)
{
    struct tcp_vfd *t = tcp_of(vfd);
    size_t len;
    uint8_t *data;
    ssize_t n;

    if (!is_swapped(t))
        return sys()->sendmsg(fd, msg, flags);
    data = iov_gather(msg, &len);
    if (data == NULL)
        return -1;
    n = plane_stream_write(t->port, data, len);
    iov_wipe(data, len);
    if (n >= 0)
        return n;
    errno = (int)-n;
    return -1;
}

/* Other calls */

static int
tcp_connect(struct vfd *vfd, int fd, const struct sockaddr *sa, socklen_t len)
{
    return sys()->connect(behind(tcp_of(vfd), fd), sa, len);
}

static int
tcp_shutdown(struct vfd *vfd, int fd, int how)
{
    return sys()->shutdown(behind(tcp_of(vfd), fd), how);
}

static int
tcp_getsockname(struct vfd *vfd, int fd, struct sockaddr *sa, socklen_t *len)
{
    return sys()->getsockname(behind(tcp_of(vfd), fd), sa, len);
}

static int
tcp_getpeername(struct vfd *vfd, int fd, struct sockaddr *sa, socklen_t *len)
{
    return sys()->getpeername(behind(tcp_of(vfd), fd), sa, len);
}

static int
tcp_getsockopt(struct vfd *vfd, int fd, int level, int name, void *value, socklen_t *len)
{
    struct tcp_vfd *t = tcp_of(vfd);
    int err = 0;

    if (is_swapped(t) && level == SOL_SOCKET && name == SO_ERROR && *len >= sizeof(err))
        err = plane_stream_take_error(t->port);
    if (err == 0)
        return sys()->getsockopt(behind(t, fd), level, name, value, len);
    memcpy(value, &err, sizeof(err));
    *len = sizeof(err);
    return 0;
}

static int
tcp_setsockopt(struct vfd *vfd, int fd, int level, int name, const void *value, socklen_t len)
{
    struct tcp_vfd *t = tcp_of(vfd);
    int result = sys()->setsockopt(behind(t, fd), level, name, value, len);

    if (result == 0 && is_swapped(t) && level == SOL_SOCKET && name == SO_RCVTIMEO)
        return sys()->setsockopt(fd, level, name, value, len);
    return result;
}

/* Life */

static void
tcp_end(struct vfd *vfd)
{
    struct tcp_vfd *t = tcp_of(vfd);

    if (t->port != NULL)
        plane_port_close(t->port);
}

static void
tcp_fini(struct vfd *vfd)
{
    struct tcp_vfd *t = tcp_of(vfd);

    if (t->port != NULL)
        plane_port_put(t->port);
    free(t);
}

const struct vfd_ops tcp_ops = {
    .sendmsg = tcp_sendmsg,
    .recvmsg = tcp_recvmsg,
    .connect = tcp_connect,
    .shutdown = tcp_shutdown,
    .getsockname = tcp_getsockname,
    .getpeername = tcp_getpeername,
    .getsockopt = tcp_getsockopt,
    .setsockopt = tcp_setsockopt,
    .end = tcp_end,
    .fini = tcp_fini,
};

void
tcp_opened(int fd)
{
    struct tcp_vfd *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return;
    vfd_init(&t->vfd, VFD_TCP);
    if (!vfd_set(fd, &t->vfd))
        free(t);
}
