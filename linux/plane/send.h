/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends sealed packets: many trains with one call, or a single packet. */
#ifndef DCO_PLANE_SEND_H
#define DCO_PLANE_SEND_H

#include "linux/plane/port_private.h"
#include "linux/plane/tx.h"

/* Sends the trains of tx in order and empties the list. Worker, inside its lock. */
void send_trains(struct tx *tx, uint64_t now_ns);

/* Sends one sealed packet outside of any burst: keepalives. 0 or -errno. Any thread. */
int send_single(struct plane_port *port, int fd, const struct dco_path *path, const void *pkt,
                size_t len);

/* Most segments of one UDP_SEGMENT send on this kernel. Any thread. */
uint32_t send_segments_max(void);
/* True if UDP_SEGMENT is used. The first call probes the kernel and must come before any worker
 * starts, because workers may not make sockets. */
bool send_gso_works(void);
/* True if trains of equal packets are sent, too, and not only those whose last one is shorter. */
bool send_gso_equal_works(void);

#endif
