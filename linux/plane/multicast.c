/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/multicast.h"

#include "linux/sys/kernel_abi.h"

/* Why no peer may have the packet. */
static enum dco_drop
refused(const struct tx *tx, uint32_t len)
{
    if (len > KERNEL_UDP_PAYLOAD_MAX - DCO_OVERHEAD)
        return DCO_DROP_TX_TOO_BIG;
    return tx->copies < MULTICAST_COPIES ? DCO_DROP_NONE : DCO_DROP_TX_MULTICAST;
}

bool
multicast_send(struct tx *tx, struct plane_dev *dev, const struct dco_peer *sender,
               const uint8_t *pkt, uint32_t len, uint64_t now_ns)
{
    uint32_t left = dco_peers_count(dev->peers); /* openvpn gives the lowest ids first */
    enum dco_drop drop = refused(tx, len);
    struct dco_peer *peer;
    bool found = false;

    if (drop != DCO_DROP_NONE) {
        drops_count(tx->drops, drop, 1);
        return true;
    }
    for (uint32_t id = 0; left > 0; left--, id = dco_peer_id(peer) + 1) {
        peer = dco_peers_next(dev->peers, id);
        if (peer == NULL)
            break;
        if (peer == sender)
            continue;
        found = true;
        tx->copies++;
        (void)tx_seal_one(tx, dev, peer, pkt, len, now_ns);
    }
    return found;
}
