/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "linux/preload/port_vfd.h"
#include "linux/preload/vfd_kinds.h"
#include "linux/preload/vfd_swap.h"
#include "linux/sys/calls.h"
#include "linux/sys/iov.h"
#include "linux/sys/limits.h"

struct tcp_vfd {
    struct port_vfd p;           /* the port is a stream */
    struct dco_frame_meter read; /* openvpn's thread; what it has read, until the swap */
};

static struct tcp_vfd *
tcp_of(struct vfd *vfd)
{
    return (struct tcp_vfd *)vfd;
}

/* Swapping */

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

    if (port_vfd_stands(fd, VFD_TCP))
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

static int
swap(struct port_vfd *p, int fd)
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
    err = plane_stream_new(own, pair.inner, &tcp_of(&p->vfd)->read, &p->port);
    if (err < 0) {
        sys()->close(pair.outer);
        return err;
    }
    vfd_pair_swap(&p->vfd, &pair, "TCP");
    dco_store_release(&p->swapped, true);
    return 0;
}

int
tcp_transport(int fd, struct plane_dev *dev, struct plane_port **port)
{
    static const struct port_vfd_kind kind = {VFD_TCP, "TCP connection", tcp_opened, swap};

    return port_vfd_transport(fd, &kind, dev, port);
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
    int err = n == 0 ? plane_stream_take_error(t->p.port) : 0;

    if (err == 0)
        return n;
    errno = err;
    return -1;
}

static ssize_t
tcp_recvmsg(struct vfd *vfd, int fd, struct msghdr *msg, int flags)
{
    struct tcp_vfd *t = tcp_of(vfd);

    return port_vfd_swapped(&t->p) ? read_pair(t, fd, msg, flags) : read_metered(t, fd, msg, flags);
}

/* openvpn sends a frame with each call. */
static ssize_t
tcp_sendmsg(struct vfd *vfd, int fd, const struct msghdr *msg, int flags)
{
    struct tcp_vfd *t = tcp_of(vfd);
    size_t len;
    uint8_t *data;
    ssize_t n;

    if (!port_vfd_swapped(&t->p))
        return sys()->sendmsg(fd, msg, flags);
    data = iov_gather(msg, &len);
    if (data == NULL)
        return -1;
    n = plane_stream_write(t->p.port, data, len);
    iov_wipe(data, len);
    if (n >= 0)
        return n;
    errno = (int)-n;
    return -1;
}

/* Other calls */

static int
tcp_getsockopt(struct vfd *vfd, int fd, int level, int name, void *value, socklen_t *len)
{
    struct tcp_vfd *t = tcp_of(vfd);
    int err = 0;

    if (port_vfd_swapped(&t->p) && level == SOL_SOCKET && name == SO_ERROR && *len >= sizeof(err))
        err = plane_stream_take_error(t->p.port);
    if (err == 0)
        return sys()->getsockopt(port_vfd_behind(&t->p, fd), level, name, value, len);
    memcpy(value, &err, sizeof(err));
    *len = sizeof(err);
    return 0;
}

static int
tcp_setsockopt(struct vfd *vfd, int fd, int level, int name, const void *value, socklen_t len)
{
    struct port_vfd *p = port_vfd_of(vfd);
    int result = sys()->setsockopt(port_vfd_behind(p, fd), level, name, value, len);

    return port_vfd_timeout(p, fd, level, name, value, len, result);
}

const struct vfd_ops tcp_ops = {
    .sendmsg = tcp_sendmsg,
    .recvmsg = tcp_recvmsg,
    .connect = port_vfd_connect,
    .shutdown = port_vfd_shutdown,
    .getsockname = port_vfd_getsockname,
    .getpeername = port_vfd_getpeername,
    .getsockopt = tcp_getsockopt,
    .setsockopt = tcp_setsockopt,
    .end = port_vfd_end,
    .fini = port_vfd_fini,
};

void
tcp_opened(int fd)
{
    struct tcp_vfd *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return;
    vfd_init(&t->p.vfd, VFD_TCP);
    if (!vfd_set(fd, &t->p.vfd))
        free(t);
}
