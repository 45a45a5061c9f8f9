/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tunnel inside itself. Where the route to a peer leads through our own device, each packet that
 * is sent to the peer comes back as one to be sent, one header longer, for ever. Two guards:
 *
 * What comes from the device and is our own transport is not sent: UDP to the address and port of
 * the peer that it would be sent to, from our port or with our header for that peer (translation of
 * addresses may change the port). This compares what stock openvpn compares, and no more, so that a
 * tunnel within the tunnel works: another openvpn's, and that of a peer who is reached through
 * another peer. Such peers may be stacked one upon the other, but no higher, or two could stand
 * behind each other.
 *
 * No peer moves (floats) to where the kernel's way leads through our device. The packet that would
 * have moved it is authentic, and it is delivered: a route may be wrong for a while, and then
 * what a peer sends is right and only the answer cannot be sent.
 */
#ifndef DCO_PLANE_RECURSION_H
#define DCO_PLANE_RECURSION_H

#include "core/inner.h"
#include "linux/plane/fib.h"
#include "linux/plane/port_private.h"

/* For any packet; it costs two compares where recursion_found() would say no. */
static inline bool
recursion_suspected(const struct dco_inner *inner)
{
    return inner->protocol == DCO_PROTO_UDP || inner->fragment;
}

/* True if pkt, from the device and about to be sent to carrier, must not be. Says so in the log, at
 * most once a minute. Any worker, inside a read section. */
bool recursion_found(struct plane_dev *dev, struct dco_peer *carrier, const uint8_t *pkt,
                     const struct dco_inner *inner, uint64_t now_ns);

/* May the peer, which is at `from`, move to `to`? At most once in 10 ms for each peer the kernel is
 * asked; in between the answer is no. Says a refusal in the log, at most once a minute. Any worker,
 * with its own fib. */
bool recursion_may_move(struct fib *fib, struct plane_dev *dev, const struct plane_port *port,
                        struct dco_peer *peer, const struct dco_path *from,
                        const struct dco_path *to, uint64_t now_ns);

#endif
