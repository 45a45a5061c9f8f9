/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets for all clients of a server. openvpn copies a multicast packet to every client, whether
 * the client has joined the group or not; so does this.
 *
 * A copy costs as much as any other packet that is sent, so some hundred packets per second to a
 * thousand clients could take all of a worker's time. A burst begins no further packet after
 * MULTICAST_COPIES copies; such packets are dropped as DCO_DROP_TX_MULTICAST. openvpn keeps 256
 * copies (--bcast-buffers). A packet is copied to all or to none.
 */
#ifndef DCO_PLANE_MULTICAST_H
#define DCO_PLANE_MULTICAST_H

#include "linux/plane/tx.h"

#define MULTICAST_COPIES 1024U

/* Seals a copy of the inner packet for each peer but sender (NULL: for each). Inside a burst of tx
 * (tx_begin()). Counts the drops, that of the packet or those of copies. Returns false if there is
 * no other peer. */
bool multicast_send(struct tx *tx, struct plane_dev *dev, const struct dco_peer *sender,
                    const uint8_t *pkt, uint32_t len, uint64_t now_ns);

#endif
