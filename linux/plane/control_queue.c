/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue is the send buffer of a datagram socketpair. The kernel charges each unread datagram to
 * the sender, so SIOCOUTQ tells how much openvpn has not read yet. A ring holds a record of each
 * datagram in the queue, oldest first. When the kernel's figure falls, the oldest records are
 * removed and subtracted from their sources. Thus the share of each source is known without any
 * message from the reader.
 *
 * A keyed hash of the address (IPv6: of its /64, the network of one subscriber) maps a source to a
 * bucket. Known and unknown sources have separate buckets, so that a stranger cannot use up the
 * share of a peer.
 */
#include "linux/plane/control_queue.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/uio.h>

#include "core/siphash.h"
#include "linux/sys/calls.h"
#include "linux/sys/endpoint.h"

/* Requested size in bytes: about 3000 full-size packets. The kernel doubles it for its own
 * overhead. Without CAP_NET_ADMIN net.core.wmem_max limits it. */
#define SNDBUF_WANTED (4 << 20)
#define DATAGRAM_MIN  512U /* the kernel never charges less for one datagram */
#define BUCKETS       512U

struct record {
    uint32_t charge; /* bytes of the send buffer */
    uint16_t bucket;
    bool known;
};

struct control_queue {
    struct dco_lock lock;          /* guards all below; held across sends that do not block */
    int fd;                        /* -1: closed */
    uint32_t size;                 /* const; bytes of the send buffer */
    struct dco_siphash_key secret; /* const */

    uint32_t charged;           /* bytes of all records */
    uint32_t charged_unknown;   /* bytes of those of unknown sources */
    uint32_t share[2][BUCKETS]; /* bytes by known and bucket */

    uint32_t head, count; /* of the ring of records */
    uint32_t mask;        /* const */
    struct record ring[];
};

static uint32_t
raise_send_buffer(int fd)
{
    int size = SNDBUF_WANTED;
    socklen_t len = sizeof(size);

    if (sys()->setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
        sys()->setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (sys()->getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) < 0 || size < 4096)
        size = 4096;
    return (uint32_t)size;
}

struct control_queue *
control_queue_new(int fd)
{
    uint32_t size = raise_send_buffer(fd);
    uint32_t records = 8;
    struct control_queue *q;

    while (records < size / DATAGRAM_MIN)
        records *= 2;
    q = calloc(1, sizeof(*q) + records * sizeof(q->ring[0]));
    if (q == NULL)
        return NULL;
    if (getrandom(&q->secret, sizeof(q->secret), 0) != sizeof(q->secret)) {
        free(q);
        return NULL;
    }
    dco_lock_init(&q->lock);
    q->fd = fd;
    q->size = size;
    q->mask = records - 1;
    return q;
}

void
control_queue_close(struct control_queue *q)
{
    int fd;

    dco_lock_acquire(&q->lock);
    fd = q->fd;
    q->fd = -1;
    dco_lock_release(&q->lock);
    if (fd >= 0)
        sys()->close(fd);
}

void
control_queue_free(struct control_queue *q)
{
    if (q == NULL)
        return;
    control_queue_close(q);
    dco_lock_fini(&q->lock);
    free(q);
}

void
control_queue_fork_child(struct control_queue *q)
{
    if (q->fd >= 0)
        sys()->close(q->fd);
    q->fd = -1;
}

static uint16_t
bucket_of(const struct control_queue *q, const struct plane_control_hdr *hdr)
{
    struct dco_endpoint ep;

    endpoint_from_sockaddr(&ep, &hdr->source.sa);
    return dco_siphash(&q->secret, ep.ip.addr, ep.ip.family == 6 ? 8 : 4) % BUCKETS;
}

static uint32_t
unread_bytes(const struct control_queue *q)
{
    int unread;

    /* On error no record is removed, so the queue only seems fuller than it is. */
    return ioctl(q->fd, SIOCOUTQ, &unread) == 0 && unread >= 0 ? (uint32_t)unread : q->charged;
}

static void
forget_oldest(struct control_queue *q)
{
    const struct record *r = &q->ring[q->head++ & q->mask];

    q->count--;
    q->charged -= r->charge;
    q->share[r->known][r->bucket] -= r->charge;
    if (!r->known)
        q->charged_unknown -= r->charge;
}

/* Removes the records of datagrams that openvpn has read: as long as the records behind the oldest
 * one account for all unread bytes. */
static void
forget_read(struct control_queue *q, uint32_t unread)
{
    while (q->count > 0 && q->charged - q->ring[q->head & q->mask].charge >= unread)
        forget_oldest(q);
}

static void
remember(struct control_queue *q, uint16_t bucket, bool known, uint32_t charge)
{
    struct record *r = &q->ring[(q->head + q->count++) & q->mask];

    r->charge = charge;
    r->bucket = bucket;
    r->known = known;
    q->charged += charge;
    q->share[known][bucket] += charge;
    if (!known)
        q->charged_unknown += charge;
}

/* Known addresses can be forged too, so a single source of either kind is limited. */
static bool
may_push(const struct control_queue *q, uint16_t bucket, bool known, size_t len)
{
    uint32_t whole = known ? q->size : q->size / 2;

    if (q->count > q->mask || q->share[known][bucket] + len > whole / 4)
        return false;
    return known || q->charged_unknown + len <= whole;
}

static bool
send_record(struct control_queue *q, const struct plane_control_hdr *hdr, const void *pkt,
            size_t len)
{
    struct iovec iov[2] = {
        {.iov_base = (void *)hdr, .iov_len = sizeof(*hdr)},
        {.iov_base = (void *)pkt, .iov_len = len},
    };
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

    return sys()->sendmsg(q->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

bool
control_queue_push(struct control_queue *q, const struct plane_control_hdr *hdr, const void *pkt,
                   size_t len, bool known)
{
    uint16_t bucket = bucket_of(q, hdr);
    uint32_t before, after;
    bool done = false;

    dco_lock_acquire(&q->lock);
    if (q->fd >= 0) {
        before = unread_bytes(q);
        forget_read(q, before);
        done = may_push(q, bucket, known, len) && send_record(q, hdr, pkt, len);
    }
    if (done) {
        /* If openvpn read something meanwhile, this charge is too small. The record then stays
         * longer, but no longer than until the queue is empty. */
        after = unread_bytes(q);
        remember(q, bucket, known, after > before ? after - before : DATAGRAM_MIN);
    }
    dco_lock_release(&q->lock);
    return done;
}
