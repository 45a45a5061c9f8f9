/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a stream to the TUN and to openvpn. One call receives one burst behind the part of a frame
 * that the last one left, and opens the frames where they lie. Worker, inside its lock.
 */
#ifndef DCO_PLANE_STREAM_RX_H
#define DCO_PLANE_STREAM_RX_H

#include "linux/plane/stream_private.h"

struct rx;

/* Receives one burst, or sends what waits, as the epoll events say. False: the stream has ended,
 * and its worker stops watching it. */
bool stream_ready(struct rx *rx, struct stream *s, uint32_t events);

/* Passes a frame, with its length, to openvpn. STREAM_BROKEN: a part of it only, so that openvpn
 * can read nothing more. */
enum stream_passed { STREAM_PASSED, STREAM_FULL, STREAM_BROKEN };
enum stream_passed stream_pass(struct stream *s, const void *data, size_t len);

#endif
