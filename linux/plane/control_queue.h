/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control packets towards openvpn: a bounded queue of datagrams. No single source can fill it, and
 * unknown sources cannot use up the part of the peers.
 */
#ifndef DCO_PLANE_CONTROL_QUEUE_H
#define DCO_PLANE_CONTROL_QUEUE_H

#include "linux/plane/plane.h"

struct control_queue;

/* fd: the plane's end of the pair; owned. NULL: no memory. */
struct control_queue *control_queue_new(int fd);
void control_queue_close(struct control_queue *q); /* closes fd; later pushes fail */
void control_queue_free(struct control_queue *q);  /* closes fd as well; NULL is allowed */
/* Closes fd in a child of fork(), where a worker of the parent may hold the lock for ever. */
void control_queue_fork_child(struct control_queue *q);
/* Queues one datagram for openvpn. known: its source is the address of a peer. Known sources may
 * use the whole queue, unknown ones half of it, and a single source a quarter of that. False: the
 * queue or this source's share is full; the packet is not queued, and the caller counts the drop.
 * Any worker. */
bool control_queue_push(struct control_queue *q, const struct plane_control_hdr *hdr,
                        const void *pkt, size_t len, bool known);

#endif
