/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OCC messages (core/occ.h) of a peer whose openvpn has no offload. openvpn itself would handle
 * them, but with offload it sees no data packets. A peer that leaves is removed; --mtu-test of the
 * other end is answered as openvpn answers it. That test counts the longest datagrams of both
 * directions; here these are the longest with messages of the test, which are the longest of all.
 */
#ifndef DCO_PLANE_OCC_H
#define DCO_PLANE_OCC_H

#include "linux/plane/tx.h"

/* What the peer sent, authentic and new, is no IP packet. Returns false if it is no OCC message
 * either. Else carries it out, or counts it as DCO_DROP_RX_OCC. An answer is sealed with tx, whose
 * burst the caller ends by tx_flush(); a peer gets at most one in 10 ms. Inside a read section. */
bool occ_received(struct tx *tx, struct plane_dev *dev, struct dco_peer *peer, const uint8_t *inner,
                  uint32_t len, uint64_t now_ns);

#endif
