/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending trains. The fast case is one sendmmsg() with one UDP_SEGMENT message per train. A train
 * that the kernel refuses is sent again packet by packet. Reasons are a device that cannot segment
 * (EIO), a packet larger than the path (EMSGSIZE, EINVAL before Linux 6.13; single packets are
 * fragmented), or an old kernel's limit (EINVAL). The reason may pass (a route, a device, a forged
 * ICMP message), so trains are tried again after a pause.
 */
#include "linux/plane/send.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/ip.h"
#include "linux/plane/kernel_offload.h"
#include "linux/plane/stream_tx.h"
#include "linux/sys/calls.h"
#include "linux/sys/compiler.h"
#include "linux/sys/endpoint.h"
#include "linux/sys/kernel_abi.h"

#define TURN_SPINS   200 /* tries before the processor is yielded */
#define FULL_WAIT_MS 2   /* how long a full socket may hold up a worker */
#define FULL_TRIES   4
#define GSO_PAUSE_NS 1000000000ULL /* pause without trains after a refusal; each one doubles it */
#define GSO_PAUSES   5U            /* at most so many times */
#define SINGLES      64U           /* packets of one sendmmsg() without segmentation */

/* A message and the memory its pointers need. */
struct out {
    struct sockaddr_storage to;
    struct iovec iov;
    union {
        char buf[CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
        struct cmsghdr align;
    } control;
};

/* Which trains are sent. */
enum gso { GSO_UNKNOWN, GSO_NONE, GSO_SHORT_TAIL, GSO_ALL };

/* What the kernel can do, and so of the process. */
static struct {
    uint32_t segments_max; /* atomic; 0: not looked up yet */
    enum gso gso;          /* atomic */
} kernel;

uint32_t
send_segments_max(void)
{
    uint32_t max = dco_load(&kernel.segments_max);
    struct utsname u;
    unsigned major = 0, minor = 0;

    if (max != 0)
        return max;
    max = KERNEL_UDP_SEGMENTS_OLD;
    if (uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
        (major > 6 || (major == 6 && minor >= 9)))
        max = KERNEL_UDP_SEGMENTS;
    dco_store(&kernel.segments_max, max);
    return max;
}

static enum gso
probe_gso(void)
{
    int seg = 1000;
    int fd = sys()->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool works;

    if (fd < 0)
        return GSO_UNKNOWN;
    works = sys()->setsockopt(fd, SOL_UDP, UDP_SEGMENT, &seg, sizeof(seg)) == 0;
    sys()->close(fd);
    if (!works)
        return GSO_NONE;
    return offload_wanted(OFFLOAD_UDP_GSO_EQUAL) ? GSO_ALL : GSO_SHORT_TAIL;
}

static enum gso
gso_known(void)
{
    enum gso known = dco_load(&kernel.gso);

    if (known == GSO_UNKNOWN) {
        known = offload_wanted(OFFLOAD_UDP_GSO) ? probe_gso() : GSO_NONE;
        dco_store(&kernel.gso, known);
    }
    return known;
}

bool
send_gso_works(void)
{
    return gso_known() != GSO_NONE;
}

bool
send_gso_equal_works(void)
{
    return gso_known() == GSO_ALL || gso_known() == GSO_UNKNOWN;
}

static struct cmsghdr *
control_add(struct msghdr *msg, int level, int type, const void *data, size_t len)
{
    struct cmsghdr *c = (struct cmsghdr *)((char *)msg->msg_control + msg->msg_controllen);

    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), data, len);
    msg->msg_controllen += CMSG_SPACE(len);
    return c;
}

static void
control_local(struct msghdr *msg, const struct dco_ip *local)
{
    struct in_pktinfo in = {0};
    struct in6_pktinfo in6 = {0};

    if (local->family == 4) {
        memcpy(&in.ipi_spec_dst, local->addr, 4);
        control_add(msg, IPPROTO_IP, IP_PKTINFO, &in, sizeof(in));
    } else if (local->family == 6) {
        memcpy(&in6.ipi6_addr, local->addr, 16);
        control_add(msg, IPPROTO_IPV6, IPV6_PKTINFO, &in6, sizeof(in6));
    }
}

/* seg: 0 for one packet, else the segment length of a train. */
static void
out_fill(struct out *o, struct msghdr *msg, sa_family_t family, const struct dco_path *path,
         const void *data, size_t len, uint16_t seg)
{
    *msg = (struct msghdr){
        .msg_name = &o->to,
        .msg_namelen = endpoint_to_sockaddr(&path->remote, family, &o->to),
        .msg_iov = &o->iov,
        .msg_iovlen = 1,
        .msg_control = o->control.buf,
    };
    o->iov = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    if (seg != 0)
        control_add(msg, SOL_UDP, UDP_SEGMENT, &seg, sizeof(seg));
    control_local(msg, &path->local);
    if (msg->msg_controllen == 0)
        msg->msg_control = NULL;
}

int
send_single(struct plane_port *port, int fd, const struct dco_path *path, const void *pkt,
            size_t len)
{
    struct out o;
    struct msghdr msg;

    out_fill(&o, &msg, port->family, path, pkt, len, 0);
    return sys()->sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* True for errors that this packet did not cause: an ICMP error for an earlier one, or a full
 * buffer, which drains at line speed. */
static bool
worth_retrying(int fd, int err, unsigned *tries)
{
    struct pollfd pfd = {.fd = fd, .events = POLLOUT};

    if (++*tries > FULL_TRIES)
        return false;
    if (err == ECONNREFUSED || err == EINTR)
        return true;
    return err == EAGAIN && poll(&pfd, 1, FULL_WAIT_MS) > 0;
}

static void
account(struct train *t, uint32_t packets, uint32_t bytes, uint64_t now_ns)
{
    if (packets == 0)
        return;
    dco_peer_count(t->peer, DCO_LINK_TX, packets, bytes);
    dco_peer_count(t->peer, DCO_VPN_TX, packets, bytes - packets * DCO_OVERHEAD);
    dco_peer_sent(t->peer, now_ns);
}

static void
gso_refuse(struct dco_peer *peer, uint64_t now_ns)
{
    struct dco_peer_platform *platform = dco_peer_platform(peer);
    uint32_t before = dco_load(&platform->gso_refused);

    dco_store(&platform->gso_off_ns, now_ns + (GSO_PAUSE_NS << before));
    if (before < GSO_PAUSES)
        dco_store(&platform->gso_refused, before + 1);
}

static void
gso_passed(const struct train *t)
{
    struct dco_peer_platform *platform = dco_peer_platform(t->peer);

    if (t->packets < 2)
        return;
    dco_store(&platform->trains, dco_load(&platform->trains) + 1);
    if (dco_load(&platform->gso_off_ns) == 0)
        return;
    dco_store(&platform->gso_refused, 0U);
    dco_store(&platform->gso_off_ns, 0ULL);
}

/* Sends a train from byte `at` on as single packets, in order. Each failure is one drop. Returns
 * how many were sent. */
static uint32_t
send_singles(struct tx *tx, struct plane_port *port, int fd, struct train *t, uint32_t at,
             uint64_t now_ns)
{
    UNINITIALIZED struct out out[SINGLES]; /* out_fill() sets what is sent */
    UNINITIALIZED struct mmsghdr msg[SINGLES];
    struct dco_path path;
    uint32_t sent_bytes = 0, sent = 0;
    unsigned tries = 0;

    dco_peer_path(t->peer, &path);
    while (at < t->bytes) {
        uint32_t n = 0, off = at;

        for (; n < SINGLES && off < t->bytes; n++) {
            uint32_t len = t->bytes - off < t->seg ? t->bytes - off : t->seg;

            out_fill(&out[n], &msg[n].msg_hdr, port->family, &path, t->buf + off, len, 0);
            off += len;
        }
        int ok = sendmmsg(fd, msg, n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (ok < 0) {
            if (worth_retrying(fd, errno, &tries))
                continue;
            drops_count(tx->drops, dco_drop_of_send(errno), 1);
            at += (uint32_t)out[0].iov.iov_len;
        }
        for (int i = 0; i < ok; i++, sent++) {
            at += (uint32_t)out[i].iov.iov_len;
            sent_bytes += (uint32_t)out[i].iov.iov_len;
        }
    }
    account(t, sent, sent_bytes, now_ns);
    return sent;
}

/* Sends as many packets of a train as an old kernel takes at once. Returns the bytes sent. */
static uint32_t
send_piece(struct plane_port *port, int fd, struct train *t, uint64_t now_ns)
{
    uint32_t bytes = KERNEL_UDP_SEGMENTS_OLD * t->seg;
    struct dco_path path;
    struct msghdr msg;
    struct out o;

    dco_peer_path(t->peer, &path);
    out_fill(&o, &msg, port->family, &path, t->buf, bytes, t->seg);
    if (sys()->sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return 0;
    account(t, KERNEL_UDP_SEGMENTS_OLD, bytes, now_ns);
    return bytes;
}

/* Called after the kernel refused a train as a whole. */
static void
send_refused(struct tx *tx, struct plane_port *port, int fd, struct train *t, int err,
             uint64_t now_ns)
{
    uint32_t at = 0;

    if (t->packets == 1 || (err != EIO && err != EMSGSIZE && err != EINVAL)) {
        drops_count(tx->drops, dco_drop_of_send(err), t->packets);
        return;
    }
    if (err == EINVAL && t->packets > KERNEL_UDP_SEGMENTS_OLD) {
        at = send_piece(port, fd, t, now_ns);
        if (at > 0) /* fewer packets passed: their number was the reason */
            dco_store(&kernel.segments_max, KERNEL_UDP_SEGMENTS_OLD);
    }
    /* The kernel also answers EINVAL if the local address is gone; then no packet passes. */
    if (send_singles(tx, port, fd, t, at, now_ns) > 0 && at == 0)
        gso_refuse(t->peer, now_ns);
}

/* Some kernels damage a train whose last packet is as long as the others. */
static bool
gso_forbids(enum gso gso, const struct train *t)
{
    return gso == GSO_NONE || (gso == GSO_SHORT_TAIL && t->bytes == t->packets * t->seg);
}

/* True if the kernel would refuse the train with UDP_SEGMENT, or lose it. */
static bool
needs_singles(const struct train *t, const struct dco_path *path, uint64_t now_ns)
{
    struct dco_peer_platform *platform = dco_peer_platform(t->peer);
    uint64_t off = dco_load(&platform->gso_off_ns);
    enum gso gso = dco_load(&kernel.gso);
    uint16_t mtu = dco_load(&platform->path_mtu);
    uint32_t hdr = DCO_UDP_HDR + (path->remote.ip.family == 6 ? DCO_IP6_HDR : DCO_IP4_HDR_MIN);

    return t->packets == 0 ||
           (t->packets > 1 &&
            ((off != 0 && now_ns < off) || now_ns < dco_load(&platform->trains_off_ns) ||
             (gso < GSO_ALL && gso_forbids(gso, t)) || (mtu != 0 && t->seg + hdr > mtu)));
}

static uint32_t
fill_batch(struct plane_port *port, struct train *trains, uint32_t n, struct out *out,
           struct mmsghdr *msg, uint64_t now_ns)
{
    struct dco_path path;
    uint32_t i;

    for (i = 0; i < n; i++) {
        struct train *t = &trains[i];

        dco_peer_path(t->peer, &path);
        if (needs_singles(t, &path, now_ns))
            break;
        out_fill(&out[i], &msg[i].msg_hdr, port->family, &path, t->buf, t->bytes,
                 t->packets > 1 ? t->seg : 0);
    }
    return i;
}

/* Sends n trains, whose turn has come, over one socket. */
static void
send_batch(struct tx *tx, struct plane_port *port, int fd, struct train *trains, uint32_t n,
           uint64_t now_ns)
{
    UNINITIALIZED struct out out[TX_TRAINS]; /* out_fill() sets what is sent */
    UNINITIALIZED struct mmsghdr msg[TX_TRAINS];
    unsigned tries = 0;

    while (n > 0) {
        uint32_t filled = fill_batch(port, trains, n, out, msg, now_ns);
        int done = 1;

        if (filled == 0) {
            (void)send_singles(tx, port, fd, trains, 0, now_ns);
        } else {
            done = sendmmsg(fd, msg, filled, MSG_DONTWAIT | MSG_NOSIGNAL);
            for (int i = 0; i < done; i++) {
                account(&trains[i], trains[i].packets, trains[i].bytes, now_ns);
                gso_passed(&trains[i]);
            }
            if (done < 0 && worth_retrying(fd, errno, &tries))
                continue;
            if (done < 0) {
                send_refused(tx, port, fd, trains, errno, now_ns);
                done = 1;
            }
        }
        for (int i = 0; i < done; i++)
            dco_key_sent(trains[i].key, trains[i].first_id, train_ids(&trains[i]));
        trains += done;
        n -= (uint32_t)done;
    }
}

/* True if the train's ids follow those of an earlier train that is sent together with it. */
static bool
follows_in_batch(const struct train *batch, const struct train *t)
{
    for (const struct train *b = t; b-- > batch;)
        if (b->key == t->key)
            return b->first_id + train_ids(b) == t->first_id;
    return false;
}

static uint32_t
batch_length(const struct train *trains, uint32_t n)
{
    const void *transport = dco_peer_transport(trains[0].peer);
    uint32_t i = 0;

    while (
        i < n && dco_peer_transport(trains[i].peer) == transport &&
        (dco_key_turn(trains[i].key, trains[i].first_id) || follows_in_batch(trains, &trains[i])))
        i++;
    return i;
}

/* Another worker holds earlier ids of this key and is about to send them. Trains are sent in the
 * order in which their first ids were taken, so of all waiting workers the one with the oldest ids
 * always proceeds. */
static void
wait_turn(const struct train *t)
{
    for (unsigned spins = 0; !dco_key_turn(t->key, t->first_id); spins++)
        if (spins > TURN_SPINS)
            sched_yield();
}

void
send_trains(struct tx *tx, uint64_t now_ns)
{
    uint32_t i = 0;

    while (i < tx->used) {
        uint32_t n = batch_length(&tx->train[i], tx->used - i);
        struct plane_port *port = dco_peer_transport(tx->train[i].peer);

        if (n == 0) {
            wait_turn(&tx->train[i]);
            continue;
        }
        if (port->stream != NULL)
            stream_send_trains(tx, port->stream, &tx->train[i], n, now_ns);
        else
            send_batch(tx, port, port_send_fd(port, tx->thread), &tx->train[i], n, now_ns);
        i += n;
    }
    tx->used = 0;
}
