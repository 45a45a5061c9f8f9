/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tunnel inside itself. If the route to a peer leads through our own device, each packet that we
 * send to the peer comes back to be sent again, one header longer, for ever. Two guards prevent it.
 *
 * recursion_found(): we do not send a packet from the device that is our own transport. That is UDP
 * to the address and port of the peer that would carry it, with our source port or with our data
 * header for that peer (NAT may change the port). Stock openvpn compares the same and no more. Over
 * TCP it is whatever belongs to the connection.
 * A tunnel within the tunnel still works: that of another openvpn, and that of a peer which is
 * reached through another peer. Only one such level is allowed, because with more of them two
 * peers could each be reached through the other.
 *
 * recursion_may_move(): no peer floats to an address whose route leads through our device. The
 * packet that came from there is authentic and is delivered all the same: while a route is wrong
 * for some time, we can receive from the peer and only our answer cannot be sent.
 */
#ifndef DCO_PLANE_RECURSION_H
#define DCO_PLANE_RECURSION_H

#include "core/inner.h"
#include "linux/plane/fib.h"
#include "linux/plane/port_private.h"

/* A cheap test in front of recursion_found(), for every packet. tcp: the peer is reached over TCP,
 * else over UDP. False: it would say no. */
static inline bool
recursion_suspected(const struct dco_inner *inner, bool tcp)
{
    return inner->protocol == DCO_PROTO_UDP || inner->fragment ||
           (tcp && inner->protocol == DCO_PROTO_TCP);
}

/* True: pkt, which came from the device, must not be sent to carrier. Logs that at most once a
 * minute. Any worker, inside a read section. */
bool recursion_found(struct plane_dev *dev, struct dco_peer *carrier, const uint8_t *pkt,
                     const struct dco_inner *inner, uint64_t now_ns);

/* True: the peer may move from `from` to `to`. Asks the kernel at most once in 10 ms for each peer,
 * and in between says no. Logs a refusal at most once a minute. Any worker, with its own fib. */
bool recursion_may_move(struct fib *fib, struct plane_dev *dev, const struct plane_port *port,
                        struct dco_peer *peer, const struct dco_path *from,
                        const struct dco_path *to, uint64_t now_ns);

#endif
