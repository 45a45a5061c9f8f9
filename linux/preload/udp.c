/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "linux/openvpn/offer.h"
#include "linux/preload/control_pair.h"
#include "linux/preload/lifecycle.h"
#include "linux/preload/lock.h"
#include "linux/preload/vfd.h"
#include "linux/preload/vfd_kinds.h"
#include "linux/preload/vfd_swap.h"
#include "linux/sys/calls.h"
#include "linux/sys/log.h"

struct udp_vfd {
    struct vfd vfd;
    struct plane_port *port; /* preload lock; const once swapped. NULL: openvpn's socket alone */
    bool swapped; /* atomic; set once, under the preload lock: fd is an end of the pair */
    bool named;   /* preload lock; bound to a port that was named */
};

static void vfd_new(int fd);

static struct udp_vfd *
udp_of(struct vfd *vfd)
{
    return (struct udp_vfd *)vfd;
}

static bool
is_swapped(const struct udp_vfd *u)
{
    return dco_load_acquire(&u->swapped);
}

/* The descriptor of the real socket. */
static int
behind(const struct udp_vfd *u, int fd)
{
    return is_swapped(u) ? plane_port_fd(u->port) : fd;
}

/* Binding and swapping */

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

/* The plane gets a descriptor of its own of openvpn's socket. 0 or -errno. */
static int
port_new(struct udp_vfd *u, int fd, bool server)
{
    int own = vfd_hide(fd);

    return own < 0 ? own : plane_port_new(own, server, &u->port);
}

static int
udp_bind(struct vfd *vfd, int fd, const struct sockaddr *sa, socklen_t len)
{
    struct udp_vfd *u = udp_of(vfd);
    int err, result = sys()->bind(behind(u, fd), sa, len);

    if (result < 0 || !names_port(sa, len))
        return result;
    preload_lock();
    u->named = true;
    if (u->port == NULL && wants_group(fd)) {
        err = port_new(u, fd, true);
        if (err < 0)
            log_line(LOG_LEVEL_WARN,
                     "this port is read by one socket, so one worker decrypts everything: %s",
                     strerror(-err));
    }
    preload_unlock();
    return result;
}

/* 0 or -errno; then openvpn goes on reading its socket. */
static int
swap(struct udp_vfd *u, int fd)
{
    int err = u->port != NULL ? 0 : port_new(u, fd, false);
    struct vfd_pair pair;

    if (err == 0)
        err = vfd_pair_make(&pair, SOCK_DGRAM);
    if (err != 0)
        return err;
    err = plane_port_open(u->port, pair.inner);
    if (err < 0) {
        sys()->close(pair.outer);
        return err;
    }
    vfd_pair_swap(&u->vfd, &pair, "UDP");
    dco_store_release(&u->swapped, true);
    return 0;
}

int
udp_check(int fd)
{
    int type = 0, domain = 0, protocol = 0;
    socklen_t len = sizeof(int);
    struct vfd *vfd = vfd_get(fd);
    bool swapped = vfd != NULL && vfd->kind == VFD_UDP && is_swapped(udp_of(vfd));

    if (vfd != NULL)
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
transport_of(struct udp_vfd *u, int fd, struct plane_dev *dev, struct plane_port **port)
{
    int err = is_swapped(u) ? 0 : swap(u, fd);

    if (err == 0)
        err = plane_port_bind_dev(u->port, dev);
    if (err < 0) {
        log_line(LOG_LEVEL_WARN, "cannot take over UDP socket %d, so the peer is refused: %s", fd,
                 strerror(-err));
        return -ENOTSOCK;
    }
    *port = plane_port_get(u->port);
    return 0;
}

int
udp_transport(int fd, struct plane_dev *dev, struct plane_port **port)
{
    struct vfd *vfd = vfd_get(fd);
    int err = -ENOTSOCK;

    if (vfd == NULL) { /* made before the process knew the family */
        vfd_new(fd);
        vfd = vfd_get(fd);
    }
    if (vfd == NULL)
        return -ENOMEM;
    if (vfd->kind == VFD_UDP)
        err = transport_of(udp_of(vfd), fd, dev, port);
    vfd_put(vfd);
    return err;
}

/* Reading and writing */

static ssize_t
udp_recvmsg(struct vfd *vfd, int fd, struct msghdr *msg, int flags)
{
    struct udp_vfd *u = udp_of(vfd);

    if (!is_swapped(u) || (flags & MSG_ERRQUEUE) != 0)
        return sys()->recvmsg(behind(u, fd), msg, flags);
    return control_pair_recv(fd, msg, flags);
}

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
    struct sockaddr_storage to = {0};
    struct msghdr mapped = *msg;

    if (is_swapped(u) && msg->msg_name != NULL && msg->msg_namelen >= sizeof(struct sockaddr_in) &&
        msg->msg_namelen <= sizeof(to)) {
        memcpy(&to, msg->msg_name, msg->msg_namelen);
        plane_port_map_dest(u->port, &to);
        mapped.msg_name = &to;
        mapped.msg_namelen = address_len(&to, msg->msg_namelen);
    }
    return sys()->sendmsg(behind(u, fd), &mapped, flags);
}

/* Other calls */

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

static int
udp_setsockopt(struct vfd *vfd, int fd, int level, int name, const void *value, socklen_t len)
{
    struct udp_vfd *u = udp_of(vfd);
    int result;

    preload_lock();
    result = u->port != NULL ? plane_port_setsockopt(u->port, level, name, value, len)
                             : sys()->setsockopt(fd, level, name, value, len);
    preload_unlock();
    if (result == 0 && is_swapped(u) && level == SOL_SOCKET && name == SO_RCVTIMEO)
        return sys()->setsockopt(fd, level, name, value, len);
    return result;
}

/* Life */

/* The port must be free when close() returns: openvpn binds it again at once. */
static void
udp_end(struct vfd *vfd)
{
    struct udp_vfd *u = udp_of(vfd);

    if (u->port != NULL)
        plane_port_close(u->port);
}

static void
udp_fini(struct vfd *vfd)
{
    struct udp_vfd *u = udp_of(vfd);

    if (u->port != NULL)
        plane_port_put(u->port);
    free(u);
}

/* The plane closes what it has. The port of openvpn must be free when openvpn is gone, so its own
 * socket goes as well; no child of it has a use for that. */
static void
udp_fork_child(struct vfd *vfd, int fd)
{
    struct udp_vfd *u = udp_of(vfd);

    if (!is_swapped(u) && u->named && offer_is_openvpn())
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

/* The preload lock held. */
static void
vfd_new(int fd)
{
    struct udp_vfd *u = calloc(1, sizeof(*u));

    if (u == NULL)
        return;
    vfd_init(&u->vfd, VFD_UDP);
    if (!vfd_set(fd, &u->vfd))
        free(u);
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
