/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: instructions that make packets of sixteen flows, some of them damaged. Whatever comes out
 * of the coalescer, cut again from scratch, must be the packets that went in, each once, and those
 * of one flow in their order.
 */
#include "coalesce.h"
#include "packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PACKETS 200U
#define ROOM    512U

static struct packet flow[16];
static uint8_t given[PACKETS][ROOM], kept[PACKETS][ROOM];
static uint32_t length[PACKETS], packets;
static bool back[PACKETS];

static void
must(bool held)
{
    if (!held)
        abort();
}

static uint8_t
take(const uint8_t **data, const uint8_t *end)
{
    return *data < end ? *(*data)++ : 0;
}

static bool
same_hosts(const uint8_t *a, const uint8_t *b)
{
    if (a[0] >> 4 != b[0] >> 4)
        return false;
    return a[0] >> 4 == 4 ? memcmp(a + 12, b + 12, 8) == 0 : memcmp(a + 8, b + 8, 32) == 0;
}

static bool
same_flow(uint32_t i, uint32_t k)
{
    struct dco_inner a, b;

    if (!same_hosts(kept[i], kept[k]))
        return false;
    must(dco_inner_parse(kept[i], length[i], &a) && dco_inner_parse(kept[k], length[k], &b));
    if (a.l4 == 0 || b.l4 == 0)
        return true;
    if (a.protocol != b.protocol || (a.protocol != DCO_PROTO_TCP && a.protocol != DCO_PROTO_UDP))
        return false;
    if (length[i] < a.l4 + 4U || length[k] < b.l4 + 4U)
        return true;
    return memcmp(kept[i] + a.l4, kept[k] + b.l4, 4) == 0;
}

/* But for PSH, and the id of an IPv4 packet that may not be fragmented, which means nothing (RFC
 * 6864). */
static bool
same_packet(const uint8_t *want, const uint8_t *pkt, uint32_t len)
{
    uint8_t copy[ROOM];

    memcpy(copy, pkt, len);
    if (want[0] == 0x45 && (want[6] & 0x40)) {
        memcpy(copy + 4, want + 4, 2);
        memcpy(copy + 10, want + 10, 2);
    }
    return packet_same_but_psh(want, copy, len);
}

static void
came_back(const uint8_t *pkt, uint32_t len)
{
    uint32_t i, k;

    for (i = 0; i < packets; i++) {
        if (!back[i] && length[i] == len && same_packet(kept[i], pkt, len))
            break;
    }
    must(i < packets);
    back[i] = true;
    for (k = 0; k < i; k++)
        must(back[k] || !same_flow(i, k));
}

static void
emitted(void *arg, struct dco_super *s)
{
    static uint8_t flat[70000], seg[70000];
    uint32_t len = 0, hdr_len, n;

    (void)arg;
    for (uint32_t i = 0; i < s->pieces; i++) {
        memcpy(flat + len, s->piece[i].data, s->piece[i].len);
        len += (uint32_t)s->piece[i].len;
    }
    must(len == s->len);
    if (s->vnet.gso_type == DCO_VNET_GSO_NONE) {
        must(s->pieces == 1 && s->vnet.flags == 0);
        came_back(flat, len);
        return;
    }
    hdr_len = packet_headers(flat);
    must(s->vnet.hdr_len == hdr_len && s->vnet.flags == DCO_VNET_NEEDS_CSUM && len <= 65535);
    n = (len - hdr_len + s->vnet.gso_size - 1) / s->vnet.gso_size;
    must(n == s->pieces && n > 1);
    for (uint32_t i = 0; i < n; i++)
        came_back(seg, packet_segment(flat, len, hdr_len, s->vnet.gso_size, i, seg));
}

static void
start_flows(void)
{
    for (unsigned i = 0; i < 16; i++) {
        flow[i] = packet_make(i & 1 ? 4 : 6, i & 2 ? DCO_PROTO_TCP : DCO_PROTO_UDP, 0);
        flow[i].host = (uint8_t)(i / 8); /* some differ in the port alone */
        flow[i].sport = (uint16_t)(1000 + i / 4 % 2);
        flow[i].df = i / 4 % 2;
    }
}

/* Makes packet number `packets` and returns its length as the receiver sees it; 0 if it is none. */
static uint32_t
make(struct packet *p, uint8_t how, const uint8_t **data, const uint8_t *end)
{
    static const uint16_t size[8] = {0, 1, 2, 99, 100, 100, 100, 300};
    struct rng rng = {packets};
    struct dco_inner inner, damaged;
    uint8_t *pkt = given[packets];
    uint32_t len;

    p->payload_len = size[how & 7];
    p->flags = how & 8 ? take(data, end) : PACKET_TCP_ACK;
    len = packet_write(p, pkt, &rng);
    must(dco_inner_parse(pkt, len, &inner));
    if (how & 32) {
        pkt[take(data, end) % len] ^= take(data, end);
        if (!dco_inner_parse(pkt, len, &damaged))
            return 0;
        if ((how & 64) && damaged.l4 == inner.l4 && damaged.protocol == inner.protocol &&
            damaged.total == len)
            packet_fix_checksums(pkt, len);
        len = damaged.total;
    }
    if (!(how & 128)) {
        p->seq += p->payload_len;
        p->id++;
    }
    return len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dco_coalescer c;
    const uint8_t *end = data + size;
    struct dco_inner inner;
    uint8_t which, how;
    uint32_t len;

    packets = 0;
    start_flows();
    dco_coalescer_init(&c, dco_csum, emitted, NULL, true, true);
    while (data < end && packets < PACKETS) {
        which = take(&data, end) & 15;
        how = take(&data, end);
        if (how & 16)
            dco_coalesce_flush(&c);
        len = make(&flow[which], how, &data, end);
        if (len == 0)
            continue;
        memcpy(kept[packets], given[packets], len);
        length[packets] = len;
        back[packets] = false;
        must(dco_inner_parse(given[packets], len, &inner));
        packets++;
        dco_coalesce_add(&c, given[packets - 1], len, &inner);
    }
    dco_coalesce_flush(&c);
    for (uint32_t i = 0; i < packets; i++)
        must(back[i]);
    return 0;
}
