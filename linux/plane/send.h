/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends sealed packets: trains with one call for many, or one packet alone.
 */
#ifndef DCO_PLANE_SEND_H
#define DCO_PLANE_SEND_H

#include "linux/plane/port_private.h"
#include "linux/plane/tx.h"

/* Sends the trains so far in order and empties the list. Worker, inside its lock. */
void send_trains(struct tx *tx, uint64_t now_ns);

/* Sends one sealed packet outside of any burst: keepalives. 0 or -errno. Any thread. */
int send_single(struct plane_port *port, int fd, const struct dco_path *path, const void *pkt,
                size_t len);
/* What the drop is called when sending failed with this errno. */
enum dco_drop send_drop_reason(int err);

/* Most segments of one UDP_SEGMENT send on this kernel. Any thread. */
uint32_t send_segments_max(void);
/* Whether UDP_SEGMENT is used. Probed at the first call, which must come before any worker starts:
 * workers may not make sockets. */
bool send_gso_works(void);

#endif
