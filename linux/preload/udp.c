/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linux/openvpn/offer.h"
#include "linux/preload/control_pair.h"
#include "linux/preload/lifecycle.h"
#include "linux/preload/lock.h"
#include "linux/preload/port_vfd.h"
#include "linux/preload/vfd_kinds.h"
#include "linux/preload/vfd_swap.h"
#include "linux/sys/calls.h"
#include "linux/sys/log.h"

struct udp_vfd {
    struct port_vfd p;
    bool named; /* preload lock; bound to a port that was named */
};

static struct udp_vfd *
udp_of(struct vfd *vfd)
{
    return (struct udp_vfd *)vfd;
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
port_new(struct port_vfd *p, int fd, bool server)
{
    int own = vfd_hide(fd);

    return own < 0 ? own : plane_port_new(own, server, &p->port);
}

static int
udp_bind(struct vfd *vfd, int fd, const struct sockaddr *sa, socklen_t len)
{
    struct udp_vfd *u = udp_of(vfd);
    int err, result = sys()->bind(port_vfd_behind(&u->p, fd), sa, len);

    if (result < 0 || !names_port(sa, len))
        return result;
    preload_lock();
    u->named = true;
    if (u->p.port == NULL && wants_group(fd)) {
        err = port_new(&u->p, fd, true);
        if (err < 0)
            log_line(LOG_LEVEL_WARN,
                     "this port is read by one socket, so one worker decrypts everything: %s",
                     strerror(-err));
    }
    preload_unlock();
    return result;
}

static int
swap(struct port_vfd *p, int fd)
{
    int err = p->port != NULL ? 0 : port_new(p, fd, false);
    struct vfd_pair pair;

    if (err == 0)
        err = vfd_pair_make(&pair, SOCK_DGRAM);
    if (err != 0)
        return err;
    err = plane_port_open(p->port, pair.inner);
    if (err < 0) {
        sys()->close(pair.outer);
        return err;
    }
    vfd_pair_swap(&p->vfd, &pair, "UDP");
    dco_store_release(&p->swapped, true);
    return 0;
}

int
udp_check(int fd)
{
    int type = 0, domain = 0, protocol = 0;
    socklen_t len = sizeof(int);

    if (port_vfd_stands(fd, VFD_UDP))
        return 0;
    if (sys()->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        sys()->getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
        sys()->getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0)
        return -ENOTSOCK;
    if (type != SOCK_DGRAM || protocol != IPPROTO_UDP)
        return -ENOTSOCK;
    return domain == AF_INET || domain == AF_INET6 ? 0 : -ENOTSOCK;
}

/* The preload lock held. */
static void
vfd_new(int fd)
{
    struct udp_vfd *u = calloc(1, sizeof(*u));

    if (u == NULL)
        return;
    vfd_init(&u->p.vfd, VFD_UDP);
    if (!vfd_set(fd, &u->p.vfd))
        free(u);
}

int
udp_transport(int fd, struct plane_dev *dev, struct plane_port **port)
{
    static const struct port_vfd_kind kind = {VFD_UDP, "UDP socket", vfd_new, swap};

    return port_vfd_transport(fd, &kind, dev, port);
}

/* Reading and writing */

static ssize_t
udp_recvmsg(struct vfd *vfd, int fd, struct msghdr *msg, int flags)
{
    struct port_vfd *p = port_vfd_of(vfd);

    if (!port_vfd_swapped(p) || (flags & MSG_ERRQUEUE) != 0)
        return sys()->recvmsg(port_vfd_behind(p, fd), msg, flags);
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
    struct port_vfd *p = port_vfd_of(vfd);
    struct sockaddr_storage to = {0};
    struct msghdr mapped = *msg;

    if (port_vfd_swapped(p) && msg->msg_name != NULL &&
        msg->msg_namelen >= sizeof(struct sockaddr_in) && msg->msg_namelen <= sizeof(to)) {
        memcpy(&to, msg->msg_name, msg->msg_namelen);
        plane_port_map_dest(p->port, &to);
        mapped.msg_name = &to;
        mapped.msg_namelen = address_len(&to, msg->msg_namelen);
    }
    return sys()->sendmsg(port_vfd_behind(p, fd), &mapped, flags);
}

/* Other calls */

static int
udp_getsockopt(struct vfd *vfd, int fd, int level, int name, void *value, socklen_t *len)
{
    return sys()->getsockopt(port_vfd_behind(port_vfd_of(vfd), fd), level, name, value, len);
}

static int
udp_setsockopt(struct vfd *vfd, int fd, int level, int name, const void *value, socklen_t len)
{
    struct port_vfd *p = port_vfd_of(vfd);
    int result;

    preload_lock();
    result = p->port != NULL ? plane_port_setsockopt(p->port, level, name, value, len)
                             : sys()->setsockopt(fd, level, name, value, len);
    preload_unlock();
    return port_vfd_timeout(p, fd, level, name, value, len, result);
}

/* Life */

/* The plane closes what it has. The port of openvpn must be free when openvpn is gone, so its own
 * socket goes as well; no child of it has a use for that. */
static void
udp_fork_child(struct vfd *vfd, int fd)
{
    struct udp_vfd *u = udp_of(vfd);

    if (!port_vfd_swapped(&u->p) && u->named && offer_is_openvpn())
        sys()->close(fd);
}

const struct vfd_ops udp_ops = {
    .sendmsg = udp_sendmsg,
    .recvmsg = udp_recvmsg,
    .bind = udp_bind,
    .connect = port_vfd_connect,
    .shutdown = port_vfd_shutdown,
    .getsockname = port_vfd_getsockname,
    .getpeername = port_vfd_getpeername,
    .getsockopt = udp_getsockopt,
    .setsockopt = udp_setsockopt,
    .end = port_vfd_end,
    .fini = port_vfd_fini,
    .fork_child = udp_fork_child,
};

void
udp_opened(int fd)
{
    vfd_unset(fd); /* a stale one ends under the lock, so before it is taken */
    preload_lock();
    vfd_new(fd);
    lifecycle_answer();
    preload_unlock();
}
