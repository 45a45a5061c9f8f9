/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/tx.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/segment.h"
#include "linux/crypto/aead.h"
#include "linux/plane/csum_fast.h"
#include "linux/plane/mss.h"
#include "linux/plane/multicast.h"
#include "linux/plane/no_route.h"
#include "linux/plane/packet_buffer.h"
#include "linux/plane/recursion.h"
#include "linux/plane/send.h"
#include "linux/plane/stream_private.h"
#include "linux/sys/calls.h"
#include "linux/sys/kernel_abi.h"
#include "linux/sys/log.h"

/* A packet on its way from the TUN to its trains. */
struct tx_packet {
    struct dco_vnet vnet;
    struct dco_inner inner;
    struct dco_cut cut;
    struct tx_ids ids;
    dco_csum_fn *csum;
};

int
tx_init(struct tx *tx, unsigned thread)
{
    tx->thread = thread;
    tx->read_buf = packet_buffer_new(TX_READ_BYTES);
    tx->arena = packet_buffer_new((size_t)TX_TRAINS * TX_TRAIN_BYTES);
    if (tx->read_buf == NULL || tx->arena == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < TX_TRAINS; i++)
        tx->train[i].buf = tx->arena + (size_t)i * TX_TRAIN_BYTES;
    return 0;
}

void
tx_fini(struct tx *tx)
{
    packet_buffer_free(tx->read_buf, TX_READ_BYTES);
    packet_buffer_free(tx->arena, (size_t)TX_TRAINS * TX_TRAIN_BYTES);
}

/* True if a packet of len outer bytes with the next id may follow in the train. */
static bool
train_takes(const struct train *t, const struct tx_ids *ids, uint32_t len)
{
    return t->key == ids->key && !t->closed && t->first_id + t->packets == ids->next &&
           len <= t->seg && t->bytes + len <= KERNEL_UDP_PAYLOAD_MAX &&
           t->packets < ids->segments_max;
}

static struct train *
train_begin(struct tx *tx, const struct tx_ids *ids, uint32_t len)
{
    struct train *t = &tx->train[tx->used++];

    t->peer = ids->peer;
    t->key = ids->key;
    t->first_id = ids->next;
    t->packets = 0;
    t->bytes = 0;
    t->seg = (uint16_t)len;
    t->closed = false;
    t->lost = false;
    return t;
}

/* The train for the next packet: the newest one of this key if it still takes it. An older one must
 * not grow past a newer one of the same key, or ids would leave out of order. */
static struct train *
train_for(struct tx *tx, const struct tx_ids *ids, uint32_t len, uint64_t now_ns)
{
    for (uint32_t i = tx->used; i-- > 0;) {
        struct train *t = &tx->train[i];

        if (t->key != ids->key)
            continue;
        if (train_takes(t, ids, len))
            return t;
        t->closed = true;
        break;
    }
    if (tx->used == TX_TRAINS)
        send_trains(tx, now_ns);
    return train_begin(tx, ids, len);
}

/* The train for the next frame, of any length. */
static struct train *
train_for_frame(struct tx *tx, const struct tx_ids *ids, uint32_t len, uint64_t now_ns)
{
    struct train *t = tx->used > 0 ? &tx->train[tx->used - 1] : NULL;

    if (t != NULL && t->key == ids->key && !t->closed && t->first_id + t->packets == ids->next &&
        t->bytes + len <= TX_TRAIN_BYTES)
        return t;
    if (tx->used == TX_TRAINS)
        send_trains(tx, now_ns);
    return train_begin(tx, ids, len);
}

/* Seals one inner packet at the end of the train, behind `before` bytes that are there already. */
static inline bool
train_seal(struct tx *tx, struct train *t, struct tx_ids *ids, uint32_t before,
           const uint8_t *inner, uint32_t len)
{
    struct aead_op op = {.pkt = t->buf + t->bytes + before, .in = inner, .len = len};

    dco_wire_write_hdr(op.pkt, ids->key_id, ids->tx_id, ids->next);
    aead_seal(ids->aead, tx->thread, &op, 1);
    ids->next++;
    if (!op.ok) {
        t->lost = true;
        t->closed = true;
        drops_count(tx->drops, DCO_DROP_TX_CRYPTO, 1);
        return false;
    }
    t->packets++;
    t->bytes += before + len + DCO_OVERHEAD;
    return true;
}

/* Seals one inner packet as a frame, behind its length. */
static void
seal_frame(struct tx *tx, struct tx_ids *ids, const uint8_t *inner, uint32_t len, uint64_t now_ns)
{
    uint32_t outer = len + DCO_OVERHEAD;
    struct train *t = train_for_frame(tx, ids, DCO_FRAME_HDR + outer, now_ns);

    dco_frame_write_hdr(t->buf + t->bytes, outer);
    (void)train_seal(tx, t, ids, DCO_FRAME_HDR, inner, len);
}

/* Seals one inner packet into its train of datagrams. */
static inline void
seal_datagram(struct tx *tx, struct tx_ids *ids, const uint8_t *inner, uint32_t len,
              uint64_t now_ns)
{
    uint32_t outer = len + DCO_OVERHEAD;
    struct train *t = train_for(tx, ids, outer, now_ns);

    if (train_seal(tx, t, ids, 0, inner, len))
        t->closed = outer < t->seg;
}

void
tx_seal(struct tx *tx, struct tx_ids *ids, const uint8_t *inner, uint32_t len, uint64_t now_ns)
{
    if (ids->stream != NULL)
        seal_frame(tx, ids, inner, len, now_ns);
    else
        seal_datagram(tx, ids, inner, len, now_ns);
}

static uint64_t
cut_cost(const struct dco_cut *cut)
{
    uint32_t last;

    if (cut->n == 1)
        return dco_key_cost(cut->len);
    last = cut->len - cut->hdr_len - (cut->n - 1) * cut->seg_len;
    return (cut->n - 1) * dco_key_cost((size_t)cut->hdr_len + cut->seg_len) +
           dco_key_cost(cut->hdr_len + last);
}

static uint32_t
cut_largest(const struct dco_cut *cut)
{
    return cut->n == 1 ? cut->len : (uint32_t)cut->hdr_len + cut->seg_len;
}

/* stream: that of the peer, NULL: none. */
static enum dco_drop
take_ids(struct tx_ids *ids, struct plane_dev *dev, struct dco_peer *peer, struct stream *stream,
         uint32_t n, uint64_t cost)
{
    bool want_new = false;
    enum dco_drop drop;

    if (stream != NULL && !stream_takes(stream))
        return DCO_DROP_TX_STREAM_FULL;
    ids->stream = stream;
    ids->peer = peer;
    ids->key = dco_peer_key_tx(peer);
    if (ids->key == NULL)
        return DCO_DROP_TX_NO_KEY;
    drop = dco_key_reserve(ids->key, n, cost, &ids->next, &want_new);
    if (want_new)
        dco_peers_want_key(dev->peers, peer);
    ids->aead = dco_key_crypto(ids->key);
    ids->key_id = dco_key_id(ids->key);
    ids->tx_id = dco_peer_tx_id(peer);
    ids->segments_max = send_segments_max();
    return drop;
}

enum dco_drop
tx_take_ids(struct tx_ids *ids, struct plane_dev *dev, struct dco_peer *peer, uint32_t n,
            uint64_t cost)
{
    return take_ids(ids, dev, peer, stream_of_peer(peer), n, cost);
}

bool
tx_seal_one(struct tx *tx, struct plane_dev *dev, struct dco_peer *peer, const uint8_t *inner,
            uint32_t len, uint64_t now_ns)
{
    struct tx_ids ids;
    enum dco_drop drop = tx_take_ids(&ids, dev, peer, 1, dco_key_cost(len));

    if (drop == DCO_DROP_NONE)
        tx_seal(tx, &ids, inner, len, now_ns);
    else
        drops_count(tx->drops, drop, 1);
    return drop == DCO_DROP_NONE;
}

static bool
tx_blocked(const struct plane_dev *dev, const struct dco_ip *dst)
{
    return dst->family == 6 && dco_load(&dev->block_ipv6);
}

/* Most packets of a burst go to one destination, so the last one is remembered. */
static struct dco_peer *
tx_choose(struct tx *tx, const struct plane_dev *dev, const struct dco_ip *dst)
{
    if (dco_ip_equal(&tx->dst, dst))
        return tx->dst_peer;
    tx->dst = *dst;
    tx->dst_all = dev->mode == DCO_MODE_MP && dco_inner_is_multicast(dst) && !tx_blocked(dev, dst);
    tx->dst_peer = tx->dst_all || tx_blocked(dev, dst) ? NULL : dco_peers_by_dest(dev->peers, dst);
    tx->dst_stream = tx->dst_peer != NULL ? stream_of_peer(tx->dst_peer) : NULL;
    return tx->dst_peer;
}

/* Does all that can fail, and takes the packet ids last: an id that was taken must be accounted
 * for. */
static enum dco_drop
tx_prepare(struct tx *tx, struct plane_dev *dev, struct tx_packet *p, uint8_t *pkt, uint32_t len,
           uint64_t now_ns)
{
    struct dco_peer *peer;

    if (!dco_inner_parse(pkt, len, &p->inner))
        return DCO_DROP_TX_NOT_IP;
    if (!dco_segment_plan(&p->cut, &p->vnet, pkt, len, &p->inner, p->csum)) {
        p->cut.n = 1;
        return DCO_DROP_TX_BAD_GSO;
    }
    peer = tx_choose(tx, dev, &p->inner.dst);
    if (peer == NULL)
        return tx_blocked(dev, &p->inner.dst) ? DCO_DROP_TX_BLOCKED : DCO_DROP_TX_NO_PEER;
    if (recursion_suspected(&p->inner, tx->dst_stream != NULL) &&
        recursion_found(dev, peer, pkt, &p->inner, now_ns))
        return DCO_DROP_TX_RECURSIVE;
    if (cut_largest(&p->cut) + DCO_OVERHEAD > KERNEL_UDP_PAYLOAD_MAX)
        return DCO_DROP_TX_TOO_BIG;
    if (p->cut.n == 1)
        mss_clamp_for(peer, pkt, len, &p->inner);
    return take_ids(&p->ids, dev, peer, tx->dst_stream, p->cut.n, cut_cost(&p->cut));
}

/* A packet that goes to all clients. */
static void
tx_multicast(struct tx *tx, struct plane_dev *dev, struct tx_packet *p, uint64_t now_ns)
{
    for (uint32_t i = 0; i < p->cut.n; i++) {
        uint32_t seg_len;
        const uint8_t *seg = dco_segment_next(&p->cut, i, &seg_len, p->csum);

        if (!multicast_send(tx, dev, NULL, seg, seg_len, now_ns))
            drops_count(tx->drops, DCO_DROP_TX_NO_PEER, 1);
    }
}

/* Answers a packet that --block-ipv6 forbids. */
static void
tx_say_no_route(struct tx *tx, const struct plane_dev *dev, const uint8_t *pkt, uint32_t len)
{
    struct {
        struct dco_vnet vnet;
        uint8_t pkt[NO_ROUTE_MAX];
    } answer;
    size_t size = no_route_answer(answer.pkt, pkt, len);

    memset(&answer.vnet, 0, sizeof(answer.vnet));
    if (size > 0) /* if the queue is full, the host sends again */
        (void)!sys()->write(dev->tun[tx->thread], &answer, sizeof(answer.vnet) + size);
}

static void
tx_packet(struct tx *tx, struct plane_dev *dev, uint32_t len, uint64_t now_ns)
{
    struct tx_packet p;
    uint8_t *pkt = tx->read_buf + sizeof(p.vnet);
    enum dco_drop drop;

    memcpy(&p.vnet, tx->read_buf, sizeof(p.vnet));
    p.cut.n = 1;
    p.csum = csum_best();
    drop = tx_prepare(tx, dev, &p, pkt, len, now_ns);
    if (drop != DCO_DROP_NONE) {
        if (drop == DCO_DROP_TX_NO_PEER && tx->dst_all)
            tx_multicast(tx, dev, &p, now_ns);
        else
            drops_count(tx->drops, drop, p.cut.n);
        if (drop == DCO_DROP_TX_BLOCKED)
            tx_say_no_route(tx, dev, pkt, len);
        return;
    }
    for (uint32_t i = 0; i < p.cut.n; i++) {
        uint32_t seg_len;
        uint8_t *seg = dco_segment_next(&p.cut, i, &seg_len, p.csum);

        tx_seal(tx, &p.ids, seg, seg_len, now_ns);
    }
}

static void
tx_gone(struct plane_dev *dev)
{
    if (!dco_exchange(&dev->gone, true))
        log_line(LOG_LEVEL_WARN, "%s was deleted: its tunnel is down until openvpn restarts",
                 dev->name);
}

/* Drops are counted for the device of the burst, so trains of another device are sent first. */
void
tx_begin(struct tx *tx, struct plane_dev *dev, uint64_t now_ns)
{
    if (tx->dev == dev)
        return;
    tx_flush(tx, now_ns);
    tx->dev = dev;
    tx->drops = &dev->drops[tx->thread];
    memset(&tx->dst, 0, sizeof(tx->dst));
}

bool
tx_read(struct tx *tx, struct plane_dev *dev, int fd, unsigned share, uint64_t now_ns)
{
    unsigned reads = 1 + (TX_BURST_READS - 1) / share;
    int64_t room = TX_BURST_BYTES / share;

    tx_begin(tx, dev, now_ns);
    while (reads-- > 0 && room > 0) {
        ssize_t len = sys()->read(fd, tx->read_buf, TX_READ_BYTES);

        if (len < 0 && errno == EBADFD) {
            tx_gone(dev);
            return false;
        }
        if (len < (ssize_t)sizeof(struct dco_vnet))
            break;
        room -= len;
        tx->taken += (uint32_t)len;
        tx->packets++;
        tx_packet(tx, dev, (uint32_t)len - (uint32_t)sizeof(struct dco_vnet), now_ns);
    }
    return true;
}

void
tx_flush(struct tx *tx, uint64_t now_ns)
{
    if (tx->used > 0)
        send_trains(tx, now_ns);
    tx->copies = 0;
    tx->dev = NULL;
}
