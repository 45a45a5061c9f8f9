/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random super-packets of several flows are cut, the segments of the flows are mixed with each
 * other and with disturbances, coalesced in bursts, and cut again by the reference. Each flow must
 * come out byte for byte, PSH apart, and in order. A flow is told by the last byte of its source
 * address.
 */
#include "bytes.h"
#include "coalesce.h"
#include "packets.h"

#define FLOWS    12
#define SEGMENTS 4096
#define ROOM     1600
#define SUPERS   6 /* per flow and round */

struct stream {
    uint8_t (*pkt)[ROOM];
    uint32_t len[SEGMENTS];
    uint32_t n;
    uint32_t given; /* of n */
    uint32_t back;  /* of n: came out */
};

static struct stream stream[FLOWS];
static uint64_t joined, passed;
static uint8_t super[70000];

static unsigned
flow_of(const uint8_t *pkt)
{
    return pkt[0] >> 4 == 4 ? pkt[15] : pkt[23];
}

static void
append(struct stream *s, const uint8_t *pkt, uint32_t len)
{
    if (s->n == SEGMENTS || len > ROOM)
        return;
    memcpy(s->pkt[s->n], pkt, len);
    s->len[s->n++] = len;
}

/* The next packet of the flow that comes out must be the next that went in. */
static void
came_back(const uint8_t *pkt, uint32_t len)
{
    struct stream *s = &stream[flow_of(pkt) % FLOWS];

    CHECK(s->back < s->given);
    CHECK_THAT(s->len[s->back] == len && packet_same_but_psh(s->pkt[s->back], pkt, len),
               "packet %u of flow %u: %u bytes, not the %u that went in", s->back, flow_of(pkt),
               len, s->len[s->back]);
    s->back++;
}

static void
emitted(void *arg, struct dco_super *sup)
{
    static uint8_t flat[70000], seg[70000];
    uint32_t len = 0, hdr_len, n;

    (void)arg;
    for (uint32_t i = 0; i < sup->pieces; i++) {
        memcpy(flat + len, sup->piece[i].data, sup->piece[i].len);
        len += (uint32_t)sup->piece[i].len;
    }
    CHECK_EQ(len, sup->len);
    if (sup->vnet.gso_type == DCO_VNET_GSO_NONE) {
        passed++;
        came_back(flat, len);
        return;
    }
    hdr_len = packet_headers(flat);
    n = (len - hdr_len + sup->vnet.gso_size - 1) / sup->vnet.gso_size;
    CHECK_EQ(n, sup->pieces);
    joined += n;
    for (uint32_t i = 0; i < n; i++)
        came_back(seg, packet_segment(flat, len, hdr_len, sup->vnet.gso_size, i, seg));
}

static void
cut_into(struct stream *s, const struct packet *p, uint16_t gso, struct rng *rng)
{
    uint32_t len = packet_write(p, super, rng), seg_len;
    struct dco_vnet vnet = {0};
    struct dco_inner inner;
    struct dco_cut cut;
    uint8_t *seg;

    packet_leave_checksum(super, len, &vnet);
    vnet.gso_size = gso;
    vnet.gso_type = p->protocol == DCO_PROTO_UDP ? DCO_VNET_GSO_UDP_L4
                    : p->version == 4            ? DCO_VNET_GSO_TCPV4
                                                 : DCO_VNET_GSO_TCPV6;
    CHECK(dco_inner_parse(super, len, &inner));
    CHECK(dco_segment_plan(&cut, &vnet, super, len, &inner, dco_csum));
    for (uint32_t i = 0; i < cut.n; i++) {
        seg = dco_segment_next(&cut, i, &seg_len, dco_csum);
        append(s, seg, seg_len);
    }
}

/* One packet that must pass alone: an empty one, one with a wrong checksum, a fragment, or one
 * without a checksum. */
static void
disturb(struct stream *s, const struct packet *like, struct rng *rng)
{
    struct packet p = *like;
    uint32_t len;

    p.payload_len = rng_below(rng, 3) * 50;
    len = packet_write(&p, super, rng);
    switch (rng_below(rng, 4)) {
    case 0:
        super[len - 1] ^= 0x40;
        break;
    case 1:
        if (p.version == 4)
            dco_write16(super + 6, 0x2000);
        else
            super[6] = 44;
        break;
    case 2:
        if (p.protocol == DCO_PROTO_UDP)
            memset(super + (p.version == 4 ? 26 : 46), 0, 2);
        break;
    }
    append(s, super, len);
}

static void
fill(unsigned flow, struct rng *rng)
{
    struct stream *s = &stream[flow];
    struct packet p = packet_make(flow % 2 ? 4 : 6, flow % 3 ? DCO_PROTO_TCP : DCO_PROTO_UDP, 0);

    s->n = s->given = s->back = 0;
    p.host = (uint8_t)flow;
    p.df = flow % 4 < 2;
    p.id = (uint16_t)rng_next(rng);
    p.seq = (uint32_t)rng_next(rng);
    for (unsigned i = 0; i < SUPERS; i++) {
        uint16_t gso = (uint16_t)(1 + rng_below(rng, rng_chance(rng, 20) ? 4 : 1400));
        uint32_t most = gso * 150U < 60000 ? gso * 150U : 60000;

        p.payload_len = 1 + rng_below(rng, most);
        p.flags = PACKET_TCP_ACK | (rng_chance(rng, 60) ? PACKET_TCP_PSH : 0) |
                  (rng_chance(rng, 10) ? (uint8_t)rng_next(rng) : 0);
        p.options_len = rng_chance(rng, 50) ? 12 : 0;
        cut_into(s, &p, gso, rng);
        p.seq += p.payload_len;
        p.id = (uint16_t)(p.id + (p.payload_len + gso - 1) / gso);
        if (rng_chance(rng, 40))
            disturb(s, &p, rng);
    }
}

/* Hands out everything in bursts, runs of random length from random flows. */
static void
mix(struct dco_coalescer *c, struct rng *rng)
{
    static uint8_t burst[256][ROOM];
    struct dco_inner inner;
    unsigned at = 0, idle = 0;

    while (idle < 200) {
        struct stream *s = &stream[rng_below(rng, FLOWS)];
        unsigned run = 1 + rng_below(rng, 40);

        idle = s->given == s->n ? idle + 1 : 0;
        for (; run > 0 && s->given < s->n; run--) {
            uint32_t len = s->len[s->given];

            memcpy(burst[at], s->pkt[s->given], len);
            s->given++;
            CHECK(dco_inner_parse(burst[at], len, &inner));
            dco_coalesce_add(c, burst[at], len, &inner);
            if (++at == 256 || rng_chance(rng, 1)) {
                dco_coalesce_flush(c);
                at = 0;
            }
        }
    }
    dco_coalesce_flush(c);
}

TEST("roundtrip: cut, mixed, coalesced and cut again")
{
    static struct dco_coalescer c;
    struct rng rng = test_rng();
    unsigned rounds = test_rounds(12);

    joined = passed = 0;
    for (unsigned f = 0; f < FLOWS; f++) {
        stream[f].pkt = malloc((size_t)SEGMENTS * ROOM);
        if (!stream[f].pkt)
            abort();
    }
    dco_coalescer_init(&c, dco_csum, emitted, NULL, true, true);
    for (unsigned i = 0; i < rounds; i++) {
        for (unsigned f = 0; f < FLOWS; f++)
            fill(f, &rng);
        mix(&c, &rng);
        for (unsigned f = 0; f < FLOWS; f++)
            CHECK_THAT(stream[f].back == stream[f].n, "flow %u: %u of %u packets came back", f,
                       stream[f].back, stream[f].n);
    }
    for (unsigned f = 0; f < FLOWS; f++)
        free(stream[f].pkt);
    CHECK(joined > passed); /* it does join */
}
