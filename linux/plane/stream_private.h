/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a stream, for the files of the plane. */
#ifndef DCO_PLANE_STREAM_PRIVATE_H
#define DCO_PLANE_STREAM_PRIVATE_H

#include "core/atomic.h"
#include "linux/plane/port_private.h"
#include "linux/plane/stream.h"

struct worker;

/* Bytes that may wait for a connection that takes no more. The bound is on what is begun, so the
 * bursts that were being made when it was reached still get in: a stalled peer costs at most this
 * and TX_BURST_BYTES for each worker. */
#define STREAM_QUEUE_MAX (256U << 10)

/* Bytes in the kernel that TCP has not sent yet. More of them only make the delay longer. */
#define STREAM_NOTSENT (128 << 10)

struct stream {
    struct plane_port port;      /* first: see stream_of(); fd[0] is -1 once closed (lock) */
    struct stream *next, **prev; /* plane_devs_lock(): list of streams */
    struct worker *worker;       /* openvpn's thread; who reads it, NULL: nobody */
    int slot;                    /* worker's lock; its source there, -1: none */
    int pair;                    /* worker's lock; our end */
    struct dco_endpoint remote;  /* const; canonical */
    uint32_t peer_id;            /* worker's lock; DCO_PEER_ID_UNDEF: no peer so far */
    int err;                     /* atomic; see plane_stream_take_error() */
    bool ended;                  /* atomic; the connection is over, nothing more can be sent */

    /* Receiving; owner: its worker. */
    struct dco_frame_meter handed; /* what is left of the frame that openvpn had begun */
    uint8_t *rest;                 /* the part of a frame that came last; NULL: none */
    uint32_t rest_len;

    /* Sending. The lock is held across sends, which do not block. */
    struct dco_lock lock;
    uint8_t *queue;    /* lock; whole frames but for the first; NULL while nothing waits */
    uint32_t queue_at; /* lock; where the waiting bytes begin */
    uint32_t room;     /* lock; bytes of queue */
    uint32_t waiting;  /* atomic, written under the lock; bytes that wait */
    int epoll;         /* lock; the epoll set of its worker, -1: none */
    uint64_t token;    /* lock; what that set knows it by */
    bool armed;        /* lock; its worker is told when the connection takes more */
};

static inline struct stream *
stream_of(struct plane_port *port)
{
    return (struct stream *)(void *)port;
}

/* NULL: the peer is reached over UDP. */
static inline struct stream *
stream_of_peer(const struct dco_peer *peer)
{
    return ((const struct plane_port *)dco_peer_transport(peer))->stream;
}

/* What port.c does for a port, for a stream. */
int stream_bind_dev(struct stream *s, struct plane_dev *dev);
void stream_peer_made(struct stream *s, uint32_t peer_id);
void stream_close(struct stream *s);
void stream_free(struct stream *s);

/* The connection is over: removes the peer and lets openvpn read the end. err: a positive errno for
 * openvpn, 0 if the other end has closed. The caller stops watching. Worker, inside its lock. */
void stream_end(struct stream *s, int err, enum dco_del_reason reason);

/* No worker reads the streams of dev from now on. openvpn's thread. */
void stream_forget_dev(struct plane_dev *dev);
/* Closes the descriptors of all streams in a child of fork(), which has no other thread. */
void stream_fork_child(void);

/* True: the stream is neither full nor over, so packets may be sealed for it. Any thread. */
static inline bool
stream_takes(const struct stream *s)
{
    return dco_load(&s->waiting) < STREAM_QUEUE_MAX && !dco_load(&s->ended);
}

#endif
