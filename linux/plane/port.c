/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/atomic.h"
#include "linux/plane/control_queue.h"
#include "linux/plane/float_nat.h"
#include "linux/plane/pathmtu.h"
#include "linux/plane/port_buffers.h"
#include "linux/plane/port_group.h"
#include "linux/plane/port_private.h"
#include "linux/plane/stream_private.h"
#include "linux/plane/worker.h"
#include "linux/plane/workers.h"
#include "linux/sys/calls.h"
#include "linux/sys/clock.h"
#include "linux/sys/endpoint.h"
#include "linux/sys/log.h"

static struct plane_port *first; /* plane_devs_lock(); all ports of the process */

static void
port_link(struct plane_port *port)
{
    plane_devs_lock();
    port->next = first;
    first = port;
    plane_devs_unlock();
}

static void
port_unlink(struct plane_port *port)
{
    plane_devs_lock();
    for (struct plane_port **p = &first; *p != NULL; p = &(*p)->next) {
        if (*p == port) {
            *p = port->next;
            break;
        }
    }
    plane_devs_unlock();
}

struct plane_port *
port_next(const struct plane_port *port)
{
    return port == NULL ? first : port->next;
}

static sa_family_t
port_family(int fd)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);

    return sys()->getsockname(fd, (struct sockaddr *)&ss, &len) == 0 ? ss.ss_family : AF_INET;
}

static uint32_t
port_option(int fd, int name)
{
    uint32_t value = 0;
    socklen_t len = sizeof(value);

    return sys()->getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : 0;
}

static void
port_way_read(int fd, struct port_way *way)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);
    struct dco_endpoint ep = {0};
    struct stat st;

    if (sys()->getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
        endpoint_from_sockaddr(&ep, (struct sockaddr *)&ss);
    way->port = ep.port;
    way->local = dco_ip_canon(&ep.ip);
    way->oif = port_option(fd, SO_BINDTOIFINDEX);
    way->mark = port_option(fd, SO_MARK);
    way->uid = fstat(fd, &st) == 0 ? st.st_uid : getuid();
}

/* Member 0 is openvpn's own socket and gets control packets. Member 1 + i belongs to worker i. */
static struct worker *
port_worker(unsigned member)
{
    return workers_get(member == 0 ? 0 : member - 1);
}

static int
port_watch(struct plane_port *port)
{
    int err = 0;

    port->watched = true;
    for (unsigned i = 0; i <= port->n && err >= 0; i++) {
        struct source source = {.kind = SOURCE_UDP, .fd = port->fd[i], .port = port};
        struct worker *w = port_worker(i);

        worker_enter(w);
        err = worker_add(w, &source);
        worker_leave(w);
    }
    return err < 0 ? err : 0;
}

static void
port_unwatch(struct plane_port *port)
{
    if (!port->watched)
        return;
    port->watched = false;
    for (unsigned i = 0; i <= port->n; i++) {
        struct worker *w = port_worker(i);

        worker_enter(w);
        worker_remove(w, port->fd[i]);
        worker_leave(w);
    }
}

void
port_forget_dev(struct plane_dev *dev)
{
    for (struct plane_port *p = first; p != NULL; p = p->next) {
        if (dco_load(&p->dev) != dev)
            continue;
        port_unwatch(p);
        dco_store_release(&p->dev, NULL);
    }
    stream_forget_dev(dev);
}

/* A group of sockets pays off with many clients. Without it one socket serves the port, which is no
 * error. */
static void
make_readers(struct plane_port *port)
{
    unsigned n = workers_decide();
    struct stat st = {.st_uid = 0};
    int err = port_group_make(port, n, n);

    if (err == -EPERM) {
        (void)fstat(port->fd[0], &st);
        log_line(
            LOG_LEVEL_WARN,
            "this port is read by one socket, so one worker decrypts everything: any process of "
            "uid %u could join a group of sockets and take its packets. Start openvpn as root to "
            "get a socket for each worker; after SIGUSR1 with --user, restart it fully",
            (unsigned)st.st_uid);
    } else if (err < 0) {
        log_line(LOG_LEVEL_WARN,
                 "this port is read by one socket, so one worker decrypts everything: %s",
                 strerror(-err));
    }
}

/* A port with one peer needs only a socket to send with: it is read from openvpn's own. */
static void
make_sender(struct plane_port *port)
{
    int err = port_group_make(port, 0, 1);

    if (err < 0)
        log_line(LOG_LEVEL_DEBUG,
                 "the port has no socket of its own for sending, which is slower: %s",
                 strerror(-err));
}

int
plane_port_new(int fd, bool server, struct plane_port **out)
{
    struct plane_port *port = calloc(1, sizeof(*port));

    if (port != NULL)
        port->float_nat = float_nat_new();
    if (port == NULL || port->float_nat == NULL) {
        free(port);
        sys()->close(fd);
        return -ENOMEM;
    }
    port->refs = 1;
    port->fd[0] = fd;
    port->probe[0] = port->probe[1] = port->fib.fd = -1;
    if (server)
        make_readers(port);
    port_link(port);
    if (server)
        port_buffers_divide();
    *out = port;
    return 0;
}

/* With IP_RECVERR an ICMP message goes to the socket's error queue, which only openvpn reads, after
 * one of its own calls failed. Until then the socket stays ready all the time, and the next data
 * packet that we send gets the error of another one. */
static void
errors_off(int fd)
{
    int off = 0;

    (void)sys()->setsockopt(fd, IPPROTO_IP, IP_RECVERR, &off, sizeof(off));
    (void)sys()->setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &off, sizeof(off));
}

int
plane_port_open(struct plane_port *port, int control_fd)
{
    port->ctrl = control_queue_new(control_fd);
    if (port->ctrl == NULL) {
        sys()->close(control_fd);
        return -ENOMEM;
    }
    errors_off(port->fd[0]);
    if (port_fds(port) == 1)
        make_sender(port);
    port_buffers_divide();
    port_group_steer(port);
    port->family = port_family(port->fd[0]);
    port_way_read(port->fd[0], &port->way);
    path_mtu_open(port);
    port->udp_gro = port_group_gro(port);
    if (!port->udp_gro)
        log_line(LOG_LEVEL_INFO,
                 "no UDP_GRO: received datagrams are not aggregated, which is slower");
    port->opened = true;
    return 0;
}

int
plane_port_fd(const struct plane_port *port)
{
    return dco_load(&port->fd[0]);
}

static bool
is_recverr(int level, int name)
{
    return (level == IPPROTO_IP && name == IP_RECVERR) ||
           (level == IPPROTO_IPV6 && name == IPV6_RECVERR);
}

/* All members send and receive for the port, so all get the same options, except IP_RECVERR (see
 * errors_off()). */
int
plane_port_setsockopt(struct plane_port *port, int level, int name, const void *value,
                      socklen_t len)
{
    int result;

    if (port->opened && is_recverr(level, name))
        return 0;
    result = sys()->setsockopt(port->fd[0], level, name, value, len);
    if (result < 0 || is_recverr(level, name))
        return result;
    for (unsigned i = 1; i < port_fds(port); i++)
        (void)sys()->setsockopt(port->fd[i], level, name, value, len);
    return 0;
}

uint16_t
plane_port_number(const struct plane_port *port)
{
    return dco_load(&port->closed) ? 0 : port->way.port;
}

struct plane_port *
plane_port_get(struct plane_port *port)
{
    (void)dco_fetch_add(&port->refs, 1);
    return port;
}

void
plane_port_put(struct plane_port *port)
{
    if (!dco_ref_put(&port->refs))
        return;
    if (port->stream != NULL) {
        stream_free(port->stream);
        return;
    }
    control_queue_free(port->ctrl);
    float_nat_free(port->float_nat);
    path_mtu_close(port);
    free(port);
}

/* The descriptors become -1 while all workers and housekeeping are outside, so that no thread can
 * send on an fd that the process has reused for another file. */
void
plane_port_close(struct plane_port *port)
{
    int fd[1 + PORT_MEMBERS_MAX];

    if (dco_exchange(&port->closed, true))
        return;
    if (port->stream != NULL) {
        stream_close(port->stream);
        return;
    }
    port_unlink(port);
    port_unwatch(port);
    memcpy(fd, port->fd, sizeof(fd));
    plane_devs_lock();
    workers_hold();
    for (unsigned i = 0; i < port_fds(port); i++)
        dco_store(&port->fd[i], -1);
    workers_resume();
    plane_devs_unlock();
    for (unsigned i = 0; i < port_fds(port); i++)
        sys()->close(fd[i]);
    if (port->ctrl != NULL)
        control_queue_close(port->ctrl);
}

int
plane_port_bind_dev(struct plane_port *port, struct plane_dev *dev)
{
    struct plane_dev *now = dco_load(&port->dev);
    int err;

    if (now != NULL)
        return now == dev ? 0 : -EBUSY;
    if (port->stream != NULL)
        return stream_bind_dev(port->stream, dev);
    dco_store_release(&port->dev, dev);
    err = port_watch(port);
    if (err < 0) { /* undo, so that the next peer tries again */
        port_unwatch(port);
        dco_store_release(&port->dev, NULL);
    }
    return err;
}

/* openvpn sends to the session that it knows at `name` and that is at `real`. Remembers it if it is
 * no peer yet. There is no need if openvpn is told of floats, or in peer-to-peer mode, which has no
 * other session. */
static void
port_answered(struct plane_port *port, const struct dco_endpoint *name,
              const struct dco_endpoint *real)
{
    struct plane_dev *dev = dco_load_acquire(&port->dev);

    if (dev == NULL || dev->floats_told || dev->mode != DCO_MODE_MP)
        return;
    if (!dco_control_peer_is(dev->peers, real, name))
        float_nat_answered(port->float_nat, real, clock_now_ns());
}

void
plane_port_map_dest(struct plane_port *port, struct sockaddr_storage *dst)
{
    struct dco_endpoint name, real;

    endpoint_from_sockaddr(&name, (const struct sockaddr *)dst);
    real = name;
    if (float_nat_dest(port->float_nat, &real))
        (void)endpoint_to_sockaddr(&real, port->family, dst);
    port_answered(port, &name, &real);
}

/* On a dual-stack socket the two addresses may be of different families. Then the local address has
 * the wrong family and is cleared. */
void
plane_port_peer_locate(struct plane_port *port, struct dco_peer_new *req)
{
    struct dco_endpoint real = dco_endpoint_canon(&req->path.remote);

    req->origin = port->stream != NULL ? port->stream->remote : real;
    if (port->stream != NULL || !float_nat_dest(port->float_nat, &real))
        return;
    if (real.ip.family != req->origin.ip.family)
        memset(&req->path.local, 0, sizeof(req->path.local));
    req->path.remote = real;
}

void
plane_port_peer_made(struct plane_port *port, const struct dco_peer_new *req)
{
    struct dco_endpoint real = dco_endpoint_canon(&req->path.remote);

    if (port->stream != NULL)
        stream_peer_made(port->stream, req->id);
    else
        float_nat_set(port->float_nat, req->id, &req->origin, &real);
}

void
port_fork_child(void)
{
    for (struct plane_port *p = first; p != NULL; p = p->next) {
        for (unsigned i = 0; i < port_fds(p); i++)
            if (p->fd[i] >= 0)
                sys()->close(p->fd[i]);
        if (p->ctrl != NULL)
            control_queue_fork_child(p->ctrl);
        path_mtu_close(p);
    }
    first = NULL;
    stream_fork_child();
}
