/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/sys/kernel_abi.h"
#include "linux/sys/log.h"
#include "linux/plane/kernel_offload.h"
#include "linux/plane/plane_state.h"
#include "linux/plane/worker.h"
#include "linux/sys/calls.h"

/* All members or none: one without UDP_GRO switches aggregation off for many sources of the others,
 * because the kernel decides by a lookup that ignores the steering program. */
static bool
sock_gro(const struct plane_port *sock)
{
    int on = 1, off = 0;
    unsigned i;

    if (!offload_wanted(OFFLOAD_UDP_GRO))
        return false;
    for (i = 0; i < sock_fds(sock); i++)
        if (sys()->setsockopt(sock->fd[i], SOL_UDP, UDP_GRO, &on, sizeof(on)) < 0)
            break;
    if (i == sock_fds(sock))
        return true;
    while (i-- > 0)
        (void)sys()->setsockopt(sock->fd[i], SOL_UDP, UDP_GRO, &off, sizeof(off));
    return false;
}

static sa_family_t
sock_family(int fd)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);

    return sys()->getsockname(fd, (struct sockaddr *)&ss, &len) == 0 ? ss.ss_family : AF_INET;
}

static uint32_t
sock_option(int fd, int name)
{
    uint32_t value = 0;
    socklen_t len = sizeof(value);

    return sys()->getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : 0;
}

static void
sock_way_read(int fd, struct sock_way *way)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);
    struct dco_endpoint ep = {0};
    struct stat st;

    if (sys()->getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
        endpoint_from_sockaddr(&ep, (struct sockaddr *)&ss);
    way->port = ep.port;
    way->local = dco_ip_canon(&ep.ip);
    way->oif = sock_option(fd, SO_BINDTOIFINDEX);
    way->mark = sock_option(fd, SO_MARK);
    way->uid = fstat(fd, &st) == 0 ? st.st_uid : getuid();
}

/* Member 0 is openvpn's own and gets control packets, member 1 + i belongs to worker i. */
static struct worker *
sock_worker(unsigned member)
{
    return plane.worker[member == 0 ? 0 : (member - 1) % plane.workers];
}

static int
sock_watch(struct plane_port *sock)
{
    int err = 0;

    sock->watched = true;
    for (unsigned i = 0; i <= sock->n && err >= 0; i++) {
        struct source source = {.kind = SOURCE_UDP, .fd = sock->fd[i], .sock = sock};
        struct worker *w = sock_worker(i);

        worker_enter(w);
        err = worker_add(w, &source);
        worker_leave(w);
    }
    return err < 0 ? err : 0;
}

static void
sock_unwatch(struct plane_port *sock)
{
    if (!sock->watched)
        return;
    sock->watched = false;
    for (unsigned i = 0; i <= sock->n; i++) {
        struct worker *w = sock_worker(i);

        worker_enter(w);
        worker_remove(w, sock->fd[i]);
        worker_leave(w);
    }
}

/* Socks are linked and unlinked by this thread only, so the list stands still and its lock
 * need not be held. */
void
plane_port_forget_dev(struct plane_dev *dev)
{
    for (struct plane_port *s = plane.socks; s != NULL; s = s->next) {
        if (dco_load(&s->dev) != dev)
            continue;
        sock_unwatch(s);
        dco_store_release(&s->dev, NULL);
    }
}

static void
close_all(int fd, const int *members, unsigned n, int control_fd)
{
    sys()->close(fd);
    for (unsigned i = 0; i < n; i++)
        sys()->close(members[i]);
    sys()->close(control_fd);
}

/* Without its descriptors. */
static struct plane_port *
sock_alloc(int control_fd)
{
    struct plane_port *sock = calloc(1, sizeof(*sock));

    if (sock == NULL)
        return NULL;
    sock->float_nat = float_nat_new();
    if (sock->float_nat != NULL)
        sock->ctrl = control_queue_new(control_fd);
    if (sock->ctrl == NULL) {
        if (sock->float_nat != NULL)
            float_nat_free(sock->float_nat);
        free(sock);
        return NULL;
    }
    sock->refs = 1;
    return sock;
}

int
plane_port_new(int fd, const int *members, unsigned n, unsigned senders, int control_fd,
               struct plane_port **out)
{
    struct plane_port *sock = NULL;
    bool fits = n <= PLANE_WORKERS_MAX && senders <= PLANE_WORKERS_MAX && plane.workers > 0;

    if (fits)
        sock = sock_alloc(control_fd);
    if (sock == NULL) {
        close_all(fd, members, n + senders, control_fd);
        return fits ? -ENOMEM : -EINVAL;
    }
    sock->n = n;
    sock->senders = senders;
    sock->fd[0] = fd;
    for (unsigned i = 0; i < n + senders; i++)
        sock->fd[1 + i] = members[i];
    sock->family = sock_family(fd);
    sock_way_read(fd, &sock->way);
    path_mtu_open(sock);
    sock->udp_gro = sock_gro(sock);
    if (!sock->udp_gro)
        log_line(LOG_LEVEL_INFO,
                 "no UDP_GRO: received datagrams are not aggregated, which is slower");
    plane_port_link(sock);
    *out = sock;
    return 0;
}

struct plane_port *
plane_port_get(struct plane_port *sock)
{
    __atomic_fetch_add(&sock->refs, 1, __ATOMIC_RELAXED);
    return sock;
}

void
plane_port_put(struct plane_port *sock)
{
    if (__atomic_fetch_sub(&sock->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    control_queue_free(sock->ctrl);
    float_nat_free(sock->float_nat);
    path_mtu_close(sock);
    free(sock);
}

/* The descriptors become -1 while neither a worker nor housekeeping is inside, so that none can
 * send over a number that the process uses again for something else. */
void
plane_port_close(struct plane_port *sock)
{
    int fd[1 + PLANE_MEMBERS_MAX];

    if (dco_exchange(&sock->closed, true))
        return;
    plane_port_unlink(sock);
    sock_unwatch(sock);
    memcpy(fd, sock->fd, sizeof(fd));
    plane_devs_lock();
    plane_stop_workers();
    for (unsigned i = 0; i < sock_fds(sock); i++)
        sock->fd[i] = -1;
    plane_resume_workers();
    plane_devs_unlock();
    for (unsigned i = 0; i < sock_fds(sock); i++)
        sys()->close(fd[i]);
    control_queue_close(sock->ctrl);
}

int
plane_port_bind_dev(struct plane_port *sock, struct plane_dev *dev)
{
    struct plane_dev *now = dco_load(&sock->dev);
    int err;

    if (now != NULL)
        return now == dev ? 0 : -EBUSY;
    dco_store_release(&sock->dev, dev);
    err = sock_watch(sock);
    if (err < 0) { /* the next peer tries again, instead of finding a port that is half read */
        sock_unwatch(sock);
        dco_store_release(&sock->dev, NULL);
    }
    return err;
}

/* openvpn sends to `name`, which is at `real`. One that is told of floats needs no memory of that,
 * and in peer-to-peer mode there is no other session that could be taken over. */
static void
sock_answered(struct plane_port *sock, const struct dco_endpoint *name,
              const struct dco_endpoint *real)
{
    struct plane_dev *dev = dco_load_acquire(&sock->dev);

    if (dev == NULL || dev->floats_told || dev->mode != DCO_MODE_MP)
        return;
    if (!dco_control_peer_is(dev->peers, real, name))
        float_nat_answered(sock->float_nat, real, clock_now_ns());
}

void
plane_port_map_dest(struct plane_port *sock, struct sockaddr_storage *dst)
{
    struct dco_endpoint name, real;

    endpoint_from_sockaddr(&name, (const struct sockaddr *)dst);
    real = name;
    if (float_nat_dest(sock->float_nat, &real))
        (void)endpoint_to_sockaddr(&real, sock->family, dst);
    sock_answered(sock, &name, &real);
}

/* On a dual-stack socket the two may be of different families, and our own address then belongs to
 * the one that it is not. */
void
plane_port_peer_locate(struct plane_port *sock, struct dco_peer_new *req)
{
    struct dco_endpoint real = dco_endpoint_canon(&req->path.remote);

    req->origin = real;
    if (!float_nat_dest(sock->float_nat, &real))
        return;
    if (real.ip.family != req->origin.ip.family)
        memset(&req->path.local, 0, sizeof(req->path.local));
    req->path.remote = real;
}

/* Also ends what is left of an earlier peer of this id. */
void
plane_port_peer_made(struct plane_port *sock, const struct dco_peer_new *req)
{
    struct dco_endpoint real = dco_endpoint_canon(&req->path.remote);

    float_nat_set(sock->float_nat, req->id, &req->origin, &real);
}
