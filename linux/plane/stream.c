/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/atomic.h"
#include "linux/plane/stream_private.h"
#include "linux/plane/stream_tx.h"
#include "linux/plane/worker.h"
#include "linux/plane/workers.h"
#include "linux/sys/calls.h"
#include "linux/sys/endpoint.h"
#include "linux/sys/log.h"

/* Above it openvpn's control packets are refused; data alone never gets there. */
#define CONTROL_MAX (STREAM_QUEUE_MAX + PLANE_WORKERS_MAX * TX_BURST_BYTES)

static struct {
    struct stream *first; /* plane_devs_lock(); all streams of the process */
    unsigned turn;        /* openvpn's thread; the worker of the next stream */
} streams;

static void
stream_link(struct stream *s)
{
    plane_devs_lock();
    s->next = streams.first;
    s->prev = &streams.first;
    if (s->next != NULL)
        s->next->prev = &s->next;
    streams.first = s;
    plane_devs_unlock();
}

static void
stream_unlink(struct stream *s)
{
    plane_devs_lock();
    *s->prev = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    plane_devs_unlock();
}

/* A burst is sent by one call, so Nagle's algorithm could only delay its last packet. */
static void
socket_prepare(int fd)
{
    int on = 1, notsent = STREAM_NOTSENT;

    (void)sys()->setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)sys()->setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &notsent, sizeof(notsent));
}

static void
way_read(int fd, struct port_way *way)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);
    struct dco_endpoint ep = {0};

    if (sys()->getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
        endpoint_from_sockaddr(&ep, (struct sockaddr *)&ss);
    way->port = ep.port;
    way->local = dco_ip_canon(&ep.ip);
}

static void
remote_read(int fd, struct dco_endpoint *remote)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);

    if (sys()->getpeername(fd, (struct sockaddr *)&ss, &len) == 0)
        endpoint_from_sockaddr(remote, (struct sockaddr *)&ss);
    *remote = dco_endpoint_canon(remote);
}

int
plane_stream_new(int fd, int pair, const struct dco_frame_meter *read, struct plane_port **port)
{
    struct stream *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        sys()->close(fd);
        sys()->close(pair);
        return -ENOMEM;
    }
    s->port.refs = 1;
    s->port.fd[0] = fd;
    s->port.probe[0] = s->port.probe[1] = s->port.fib.fd = -1;
    s->port.opened = true;
    s->port.stream = s;
    s->slot = s->epoll = -1;
    s->pair = pair;
    s->peer_id = DCO_PEER_ID_UNDEF;
    s->handed = *read;
    dco_lock_init(&s->lock);
    socket_prepare(fd);
    way_read(fd, &s->port.way);
    remote_read(fd, &s->remote);
    stream_link(s);
    *port = &s->port;
    return 0;
}

/* Where the worker is told that the connection takes more; epoll -1: no longer. */
static void
stream_watched(struct stream *s, int epoll, uint64_t token)
{
    dco_lock_acquire(&s->lock);
    s->epoll = epoll;
    s->token = token;
    s->armed = false;
    dco_lock_release(&s->lock);
}

/* Workers take turns. Both directions of a flow still meet in one worker: the kernel offers the
 * packets of a flow on the TUN queue to which the other direction was last written. */
int
stream_bind_dev(struct stream *s, struct plane_dev *dev)
{
    struct source source = {.kind = SOURCE_STREAM, .fd = s->port.fd[0], .stream = s};
    struct worker *w = workers_get(streams.turn++);
    int slot;

    dco_store_release(&s->port.dev, dev);
    worker_enter(w);
    slot = worker_add(w, &source);
    if (slot >= 0) {
        s->slot = slot;
        stream_watched(s, w->epoll, worker_token(w, (unsigned)slot));
    }
    worker_leave(w);
    if (slot < 0) {
        dco_store_release(&s->port.dev, NULL);
        return slot;
    }
    s->worker = w;
    return 0;
}

static void
stream_unwatch(struct stream *s)
{
    struct worker *w = s->worker;

    if (w == NULL)
        return;
    s->worker = NULL;
    worker_enter(w);
    stream_watched(s, -1, 0);
    if (s->slot >= 0)
        worker_remove_slot(w, (unsigned)s->slot);
    s->slot = -1;
    worker_leave(w);
}

void
stream_forget_dev(struct plane_dev *dev)
{
    for (struct stream *s = streams.first; s != NULL; s = s->next) {
        if (dco_load(&s->port.dev) != dev)
            continue;
        stream_unwatch(s);
        dco_store_release(&s->port.dev, NULL);
    }
}

static void
peer_remove(struct stream *s, enum dco_del_reason reason)
{
    struct plane_dev *dev = dco_load(&s->port.dev);

    if (dev != NULL)
        (void)dco_control_peer_lost(dev->peers, s->peer_id, &s->port, reason);
}

/* The connection may have ended between the making of the peer and this call. */
void
stream_peer_made(struct stream *s, uint32_t peer_id)
{
    struct worker *w = s->worker;

    if (w == NULL)
        return;
    worker_enter(w);
    s->peer_id = peer_id;
    if (dco_load(&s->ended))
        peer_remove(s, DCO_DEL_TRANSPORT_DISCONNECT);
    worker_leave(w);
}

/* openvpn reads the end behind all that was written to the pair before. */
void
stream_end(struct stream *s, int err, enum dco_del_reason reason)
{
    dco_store(&s->err, err);
    dco_store(&s->ended, true);
    stream_watched(s, -1, 0);
    s->slot = -1;
    (void)sys()->shutdown(s->pair, SHUT_WR);
    peer_remove(s, reason);
}

/* The kernel's driver, too, removes the peer of a socket that openvpn closes. A last try to send
 * what waits, because what openvpn sent last may be its farewell. */
void
stream_close(struct stream *s)
{
    int fd;

    stream_unlink(s);
    stream_unwatch(s);
    stream_send_waiting(s);
    plane_devs_lock(); /* housekeeping looks at the descriptor inside it */
    dco_lock_acquire(&s->lock);
    fd = s->port.fd[0];
    dco_store(&s->port.fd[0], -1);
    dco_store(&s->ended, true);
    dco_lock_release(&s->lock);
    plane_devs_unlock();
    peer_remove(s, DCO_DEL_TRANSPORT_DISCONNECT);
    sys()->close(fd);
    sys()->close(s->pair);
    s->pair = -1;
}

void
stream_free(struct stream *s)
{
    dco_lock_fini(&s->lock);
    free(s->rest);
    free(s->queue);
    free(s);
}

ssize_t
plane_stream_write(struct plane_port *port, const void *frames, size_t len)
{
    struct stream *s = stream_of(port);
    int err;

    if (dco_load(&s->waiting) + len > CONTROL_MAX)
        return -EAGAIN;
    err = stream_send(s, frames, len, true);
    return err < 0 ? err : (ssize_t)len;
}

int
plane_stream_take_error(struct plane_port *port)
{
    return dco_exchange(&stream_of(port)->err, 0);
}

void
stream_fork_child(void)
{
    for (struct stream *s = streams.first; s != NULL; s = s->next) {
        sys()->close(s->port.fd[0]);
        sys()->close(s->pair);
    }
    streams.first = NULL;
}
