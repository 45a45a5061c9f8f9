/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/c2c.h"

#include <string.h>

#include "linux/plane/mss.h"
#include "linux/plane/multicast.h"
#include "linux/sys/kernel_abi.h"

void
c2c_init(struct c2c *c, struct tx *tx, struct source_check *sources)
{
    memset(c, 0, sizeof(*c));
    c->tx = tx;
    c->sources = sources;
}

/* Seals the queue. */
static void
seal_queue(struct c2c *c, struct plane_dev *dev, uint64_t now_ns)
{
    struct tx_ids ids;
    enum dco_drop drop;

    if (c->queued == 0)
        return;
    tx_begin(c->tx, dev, now_ns);
    drop = tx_take_ids(&ids, dev, c->to, c->queued, c->cost);
    if (drop != DCO_DROP_NONE)
        drops_count(c->tx->drops, drop, c->queued);
    for (uint32_t i = 0; i < c->queued && drop == DCO_DROP_NONE; i++)
        tx_seal(c->tx, &ids, c->queue[i].data, c->queue[i].len, now_ns);
    c->queued = 0;
    c->cost = 0;
}

static void
enqueue(struct c2c *c, struct plane_dev *dev, const uint8_t *pkt, uint32_t len, uint64_t now_ns)
{
    if (c->to != c->dst_peer || c->queued == C2C_QUEUE) {
        seal_queue(c, dev, now_ns);
        c->to = c->dst_peer;
    }
    c->queue[c->queued++] = (struct c2c_packet){pkt, len};
    c->cost += dco_key_cost(len);
}

static struct dco_peer *
client_of(struct c2c *c, const struct plane_dev *dev, struct dco_peer *from,
          const struct dco_ip *dst)
{
    struct dco_peer *to = dco_peers_by_iroute(dev->peers, dst);

    return to == NULL || dest_ok(c->sources, dev, from, to, dst) ? to : NULL;
}

static void
choose(struct c2c *c, const struct plane_dev *dev, struct dco_peer *from, const struct dco_ip *dst)
{
    if (dco_ip_equal(&c->dst, dst))
        return;
    c->dst = *dst;
    c->dst_all = dco_inner_is_multicast(dst);
    c->dst_peer = c->dst_all ? NULL : client_of(c, dev, from, dst);
}

bool
c2c_take(struct c2c *c, struct plane_dev *dev, struct dco_peer *from, uint8_t *pkt,
         const struct dco_inner *inner, uint64_t now_ns)
{
    choose(c, dev, from, &inner->dst);
    if (c->dst_all) {
        seal_queue(c, dev, now_ns);
        tx_begin(c->tx, dev, now_ns);
        (void)multicast_send(c->tx, dev, from, pkt, inner->total, now_ns);
        return false;
    }
    if (c->dst_peer == NULL)
        return false;
    if (inner->total > KERNEL_UDP_PAYLOAD_MAX - DCO_OVERHEAD) {
        drops_count(&dev->drops[c->tx->thread], DCO_DROP_TX_TOO_BIG, 1);
        return true;
    }
    mss_clamp_for(c->dst_peer, pkt, inner->total, inner);
    enqueue(c, dev, pkt, inner->total, now_ns);
    return true;
}

/* Peers may end after the burst, so the last destination is forgotten. */
void
c2c_end(struct c2c *c, struct plane_dev *dev, uint64_t now_ns)
{
    seal_queue(c, dev, now_ns);
    memset(&c->dst, 0, sizeof(c->dst));
    c->to = NULL;
}
