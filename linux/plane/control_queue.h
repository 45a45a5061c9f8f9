/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control packets towards openvpn: a bounded queue of datagrams. No single source gets all of it,
 * and strangers never use up what a peer may use.
 */
#ifndef DCO_PLANE_CONTROL_QUEUE_H
#define DCO_PLANE_CONTROL_QUEUE_H

#include "linux/plane/plane.h"

struct control_queue;

/* fd: the plane's end of the pair; owned. NULL: no memory. */
struct control_queue *control_queue_new(int fd);
void control_queue_close(struct control_queue *q); /* closes fd; later pushes fail */
void control_queue_free(struct control_queue *q);  /* closes it too; NULL is allowed */
/* Closes fd in a child of fork(), where a worker of the parent may hold the lock for ever. */
void control_queue_fork_child(struct control_queue *q);
/* One datagram for openvpn; known: its source is the address of a peer. False: the queue is full
 * (or this source's share of it), the packet is dropped and the caller counts it. Any worker. Known
 * peers may use the whole queue, unknown sources half, and of that no single source more than a
 * quarter. */
bool control_queue_push(struct control_queue *q, const struct plane_control_hdr *hdr,
                        const void *pkt, size_t len, bool known);

#endif
