/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets from client to client, for a server whose configuration has client-to-client. As with
 * openvpn's own data channel they do not pass through the host: its packet filter does not see
 * them, and their hop limit stays. A multicast packet of a client goes to all other clients and to
 * the host. Packets for anybody else go to the host.
 *
 * A packet was authenticated and its source checked before it comes here. It is sealed for the
 * other client out of the buffer in which it was opened; nothing else is copied or computed, and
 * packets that came as a train leave as a train. Both clients count it, and the limits of both
 * keys apply.
 *
 * The packets of a run for one client are collected and take their packet ids together.
 */
#ifndef DCO_PLANE_C2C_H
#define DCO_PLANE_C2C_H

#include "core/inner.h"
#include "linux/plane/source.h"
#include "linux/plane/tx.h"

#define C2C_QUEUE 128U

struct c2c_packet {
    const uint8_t *data;
    uint32_t len;
};

/* Of a worker; only that worker uses it. */
struct c2c {
    struct tx *tx;                /* const; as in struct rx, likewise sources */
    struct source_check *sources; /* const */
    struct dco_ip dst;            /* of the last packet in this burst, family 0: none yet */
    struct dco_peer *dst_peer;    /* its client; NULL: the host, or all */
    bool dst_all;                 /* dst is a multicast address */
    struct dco_peer *to;          /* of the queue */
    uint32_t queued;
    uint64_t cost; /* of the queue; the sum of dco_key_cost() */
    struct c2c_packet queue[C2C_QUEUE];
};

void c2c_init(struct c2c *c, struct tx *tx, struct source_check *sources);

/* Takes a packet that `from` sent (inner: its headers; inner->total bytes), and keeps a pointer to
 * it until c2c_end(). False: the packet is the host's, too. It is sealed already then, and may be
 * changed. Inside a read section. */
bool c2c_take(struct c2c *c, struct plane_dev *dev, struct dco_peer *from, uint8_t *pkt,
              const struct dco_inner *inner, uint64_t now_ns);

/* Seals what is left, at the end of a burst; tx_flush() follows. */
void c2c_end(struct c2c *c, struct plane_dev *dev, uint64_t now_ns);

#endif
