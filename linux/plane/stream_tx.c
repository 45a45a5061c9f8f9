/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/stream_tx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "linux/plane/tx.h"
#include "linux/sys/calls.h"

#define QUEUE_MIN 16384U

/* Bytes that the connection took; 0: none now; -errno: it is over. */
static ssize_t
push(struct stream *s, const void *data, size_t len)
{
    ssize_t n;

    if (s->port.fd[0] < 0)
        return -EPIPE;
    n = sys()->send(s->port.fd[0], data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM ? 0 : -errno;
}

/* Has the worker told, or no longer told, that the connection takes more. Lock held. */
static void
arm(struct stream *s, bool wanted)
{
    struct epoll_event ev = {.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.u64 = s->token};

    if (s->armed == wanted || s->epoll < 0)
        return;
    if (sys()->epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->port.fd[0], &ev) == 0)
        s->armed = wanted;
}

/* Room for len more bytes behind those that wait. Lock held. */
static bool
queue_reserve(struct stream *s, size_t len)
{
    size_t room = s->room > 0 ? s->room : QUEUE_MIN;
    uint8_t *grown;

    if (s->room - s->queue_at - s->waiting >= len)
        return true;
    while (room < s->waiting + len)
        room *= 2;
    grown = room > s->room ? malloc(room) : s->queue;
    if (grown == NULL)
        return false;
    if (s->waiting > 0)
        memmove(grown, s->queue + s->queue_at, s->waiting);
    if (grown != s->queue) {
        free(s->queue);
        s->queue = grown;
        s->room = (uint32_t)room;
    }
    s->queue_at = 0;
    return true;
}

/* An idle stream has no buffer. Lock held. */
static void
queue_release(struct stream *s)
{
    free(s->queue);
    s->queue = NULL;
    s->room = s->queue_at = 0;
}

/* Sends what waits. 0, or -errno if the connection is over. Lock held. */
static int
drain(struct stream *s)
{
    while (s->waiting > 0) {
        ssize_t n = push(s, s->queue + s->queue_at, s->waiting);

        if (n <= 0)
            return (int)n;
        s->queue_at += (uint32_t)n;
        dco_store(&s->waiting, s->waiting - (uint32_t)n);
    }
    queue_release(s);
    return 0;
}

/* Nothing can follow a frame that was cut off. The worker hears of it as of any end. Lock held. */
static int
break_off(struct stream *s, int err)
{
    dco_store(&s->ended, true);
    dco_store(&s->waiting, 0U);
    queue_release(s);
    if (s->port.fd[0] >= 0)
        (void)sys()->shutdown(s->port.fd[0], SHUT_RDWR);
    return err;
}

/* Lock held. */
static int
send_locked(struct stream *s, const uint8_t *frames, size_t len)
{
    int err = drain(s);
    ssize_t n = 0;

    if (err == 0 && s->waiting == 0)
        n = push(s, frames, len);
    if (err < 0 || n < 0)
        return break_off(s, err < 0 ? err : (int)n);
    if ((size_t)n == len)
        return 0;
    if (!queue_reserve(s, len - (size_t)n))
        return n > 0 ? break_off(s, -ENOMEM) : -ENOBUFS;
    memcpy(s->queue + s->queue_at + s->waiting, frames + n, len - (size_t)n);
    dco_store(&s->waiting, s->waiting + (uint32_t)(len - (size_t)n));
    return 0;
}

int
stream_send(struct stream *s, const void *frames, size_t len, bool may_arm)
{
    int err = -EPIPE;

    dco_lock_acquire(&s->lock);
    if (!s->ended)
        err = send_locked(s, frames, len);
    if (may_arm)
        arm(s, s->waiting > 0);
    dco_lock_release(&s->lock);
    return err;
}

void
stream_send_waiting(struct stream *s)
{
    int err;

    dco_lock_acquire(&s->lock);
    err = drain(s);
    if (err < 0)
        (void)break_off(s, err);
    arm(s, s->waiting > 0);
    dco_lock_release(&s->lock);
}

static void
train_account(const struct train *t, uint64_t now_ns)
{
    uint64_t link = t->bytes - t->packets * DCO_FRAME_HDR;

    dco_peer_count(t->peer, DCO_LINK_TX, t->packets, link);
    dco_peer_count(t->peer, DCO_VPN_TX, t->packets, link - t->packets * DCO_OVERHEAD);
    dco_peer_sent(t->peer, now_ns);
}

void
stream_send_trains(struct tx *tx, struct stream *s, struct train *trains, uint32_t n,
                   uint64_t now_ns)
{
    for (struct train *t = trains; t < trains + n; t++) {
        int err = t->packets > 0 ? stream_send(s, t->buf, t->bytes, true) : 0;

        if (err < 0)
            drops_count(tx->drops, dco_drop_of_send(-err), t->packets);
        else if (t->packets > 0)
            train_account(t, now_ns);
        dco_key_sent(t->key, t->first_id, train_ids(t));
    }
}
