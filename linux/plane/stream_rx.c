/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/stream_rx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "linux/plane/rx.h"
#include "linux/plane/stream_tx.h"
#include "linux/sys/calls.h"
#include "linux/sys/clock.h"

#define STREAM_READ (128U << 10)

_Static_assert(DCO_FRAME_MAX + STREAM_READ <= RX_MSGS * RX_BUF_BYTES, "one burst fits");

/* The pair takes up to half of its send buffer as a whole or not at all, and a frame is smaller. */
enum stream_passed
stream_pass(struct stream *s, const void *data, size_t len)
{
    ssize_t n = sys()->send(s->pair, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n == (ssize_t)len)
        return STREAM_PASSED;
    return n < 0 ? STREAM_FULL : STREAM_BROKEN;
}

/* Passes on the rest of the frame that openvpn had begun to read. Returns how much of the n bytes
 * that is, or -1 if openvpn cannot get it. */
static ssize_t
hand_over(struct stream *s, const uint8_t *data, size_t n)
{
    size_t done = 0;

    while (done < n && (s->handed.left > 0 || s->handed.half)) {
        size_t part = dco_frame_meter_limit(&s->handed, data + done, n - done);

        part = part < n - done ? part : n - done;
        if (stream_pass(s, data + done, part) != STREAM_PASSED)
            return -1;
        dco_frame_meter_took(&s->handed, data + done, part);
        done += part;
    }
    return (ssize_t)done;
}

/* Keeps the len bytes of a frame whose end is still to come. */
static bool
rest_keep(struct stream *s, const uint8_t *data, size_t len)
{
    uint8_t *rest = NULL;

    if (len > 0) {
        rest = malloc(len);
        if (rest == NULL)
            return false;
        memcpy(rest, data, len);
    }
    free(s->rest);
    s->rest = rest;
    s->rest_len = (uint32_t)len;
    return true;
}

/* Takes the frames of the burst. False: the stream cannot be read any further. */
static bool
frames_take(struct rx *rx, struct stream *s, uint8_t *buf, size_t len, uint64_t now_ns)
{
    ssize_t begun = hand_over(s, buf, len);
    size_t at = begun > 0 ? (size_t)begun : 0;
    enum dco_frame kind = DCO_FRAME_PARTIAL;
    bool fine = begun >= 0;
    uint8_t *pkt;
    uint32_t n;

    while (fine && (kind = dco_frame_next(buf, len, &at, &pkt, &n)) == DCO_FRAME_WHOLE)
        fine = rx_frame(rx, &s->port, pkt, n, now_ns);
    return fine && kind != DCO_FRAME_BAD && rest_keep(s, buf + at, len - at);
}

static bool
receive(struct rx *rx, struct stream *s)
{
    struct plane_dev *dev = dco_load_acquire(&s->port.dev);
    size_t have = s->rest_len;
    uint64_t now_ns;
    ssize_t n;
    bool fine;

    if (have > 0)
        memcpy(rx->bufs, s->rest, have);
    n = sys()->recv(s->port.fd[0], rx->bufs + have, STREAM_READ, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0 || dev == NULL) {
        stream_end(s, n < 0 ? errno : 0, DCO_DEL_TRANSPORT_DISCONNECT);
        return false;
    }
    now_ns = clock_now_ns();
    rx_begin(rx, dev);
    fine = frames_take(rx, s, rx->bufs, have + (size_t)n, now_ns);
    rx_end(rx, &s->port, now_ns);
    if (!fine)
        stream_end(s, ECONNRESET, DCO_DEL_TRANSPORT_ERROR);
    return fine;
}

bool
stream_ready(struct rx *rx, struct stream *s, uint32_t events)
{
    if ((events & EPOLLOUT) != 0)
        stream_send_waiting(s);
    return (events & ~(uint32_t)EPOLLOUT) == 0 || receive(rx, s);
}
