/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one writer of a stream. Whatever is sent passes stream_send() in whole frames: trains of the
 * workers in the order of their packet ids, control packets of openvpn, keepalives. What the
 * connection does not take at once waits in one buffer and leaves first, so a frame that was begun
 * is finished before anything else.
 */
#ifndef DCO_PLANE_STREAM_TX_H
#define DCO_PLANE_STREAM_TX_H

#include "linux/plane/stream_private.h"

struct tx;
struct train;

/* Sends whole frames, at once as far as the connection takes them. The rest waits, and precedes
 * whatever is sent later. may_arm: the thread may change epoll sets. 0, or -errno if nothing was
 * sent and nothing waits. Any thread. */
int stream_send(struct stream *s, const void *frames, size_t len, bool may_arm);
/* Sends what waits. Worker. */
void stream_send_waiting(struct stream *s);

/* Sends trains of the stream's peer, whose turn has come. Worker, inside its lock. */
void stream_send_trains(struct tx *tx, struct stream *s, struct train *trains, uint32_t n,
                        uint64_t now_ns);

#endif
