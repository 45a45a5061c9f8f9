/* SPDX-License-Identifier: BSD-2-Clause */
#include "coalesce.h"

#include "bytes.h"

/* A packet that could be joined with others. */
struct segment {
    uint8_t *pkt;
    uint32_t len;
    uint32_t payload; /* bytes */
    uint16_t hdr_len;
    uint16_t l4;
    uint8_t last_flags; /* TCP: FIN and PSH */
    const struct dco_inner *inner;
};

void
dco_coalescer_init(struct dco_coalescer *c, dco_csum_fn *csum, dco_emit_fn *emit, void *arg,
                   bool tcp, bool udp)
{
    uint8_t i;

    c->csum = csum;
    c->emit = emit;
    c->arg = arg;
    c->tcp = tcp;
    c->udp = udp;
    c->used = 0;
    for (i = 0; i < DCO_COALESCE_FLOWS; i++)
        c->order[i] = i;
}

/* The flags other than FIN and PSH must be exactly ACK. */
static bool
tcp_suits(struct segment *s)
{
    const uint8_t *tcp = s->pkt + s->l4;
    uint32_t hdr_len;

    if (s->len < s->l4 + DCO_TCP_HDR_MIN)
        return false;
    hdr_len = (tcp[DCO_TCP_OFFSET] >> 4) * 4U;
    if (hdr_len < DCO_TCP_HDR_MIN || s->l4 + hdr_len >= s->len ||
        (tcp[DCO_TCP_OFFSET] & 0xf) != 0 ||
        (tcp[DCO_TCP_FLAGS] & ~(DCO_TCP_FIN | DCO_TCP_PSH)) != DCO_TCP_ACK)
        return false;
    s->last_flags = tcp[DCO_TCP_FLAGS] & (DCO_TCP_FIN | DCO_TCP_PSH);
    s->hdr_len = (uint16_t)(s->l4 + hdr_len);
    return true;
}

static bool
udp_suits(struct segment *s)
{
    const uint8_t *udp = s->pkt + s->l4;

    if (s->len <= s->l4 + DCO_UDP_HDR || dco_get16(udp + DCO_UDP_LEN) != s->len - s->l4 ||
        dco_get16(udp + DCO_UDP_CHECKSUM) == 0)
        return false;
    s->last_flags = 0;
    s->hdr_len = (uint16_t)(s->l4 + DCO_UDP_HDR);
    return true;
}

/* A plain IP header whose length field is the true one. */
static bool
ip_suits(const struct segment *s)
{
    if (s->inner->total != s->len)
        return false;
    if (s->inner->version == 4)
        return s->l4 == DCO_IP4_HDR_MIN && dco_get16(s->pkt + DCO_IP4_TOTAL) == s->len;
    return s->l4 == DCO_IP6_HDR && dco_get16(s->pkt + DCO_IP6_PAYLOAD) == s->len - DCO_IP6_HDR;
}

static bool
suits(const struct dco_coalescer *c, struct segment *s)
{
    bool ok = false;

    if (!ip_suits(s))
        return false;
    if (s->inner->protocol == DCO_PROTO_TCP)
        ok = c->tcp && tcp_suits(s);
    else if (s->inner->protocol == DCO_PROTO_UDP)
        ok = c->udp && udp_suits(s);
    s->payload = s->len - s->hdr_len;
    return ok;
}

static uint16_t
pseudo_sum(const uint8_t *pkt, const struct dco_inner *inner, uint32_t l4_len)
{
    bool v4 = inner->version == 4;

    return dco_csum_pseudo(pkt + (v4 ? DCO_IP4_SRC : DCO_IP6_SRC),
                           v4 ? DCO_IP4_ADDRS_LEN : DCO_IP6_ADDRS_LEN, inner->protocol, l4_len);
}

/* Both checksums. A super-packet enters the stack with new ones, so a wrong one must not get in. */
static bool
checksums_right(const struct dco_coalescer *c, const uint8_t *pkt, uint32_t len,
                const struct dco_inner *inner)
{
    uint32_t l4 = inner->l4, l4_len = len - l4;

    if (inner->version == 4 && dco_csum(pkt, DCO_IP4_HDR_MIN) != 0xffff)
        return false;
    return dco_csum_add(pseudo_sum(pkt, inner, l4_len), c->csum(pkt + l4, l4_len)) == 0xffff;
}

/* What the stack needs to see a super-packet of several as one: lengths, the pseudo-header sum in
 * place of the checksum, and how to cut it again. */
static void
finish_headers(struct dco_super *f)
{
    bool v4 = f->inner.version == 4, tcp = f->inner.protocol == DCO_PROTO_TCP;
    uint32_t l4_len = f->len - f->inner.l4;
    uint8_t *ip = f->piece[0].data, *l4 = ip + f->inner.l4;

    if (v4) {
        dco_put16(ip + DCO_IP4_TOTAL, (uint16_t)f->len);
        dco_put16(ip + DCO_IP4_CHECKSUM, 0);
        dco_put16(ip + DCO_IP4_CHECKSUM, (uint16_t)~dco_csum(ip, DCO_IP4_HDR_MIN));
    } else {
        dco_put16(ip + DCO_IP6_PAYLOAD, (uint16_t)l4_len);
    }
    if (tcp)
        l4[DCO_TCP_FLAGS] |= f->last_flags;
    else
        dco_put16(l4 + DCO_UDP_LEN, (uint16_t)l4_len);
    dco_put16(l4 + (tcp ? DCO_TCP_CHECKSUM : DCO_UDP_CHECKSUM), pseudo_sum(ip, &f->inner, l4_len));
    f->vnet.flags = DCO_VNET_NEEDS_CSUM;
    f->vnet.gso_type = !tcp ? DCO_VNET_GSO_UDP_L4 : v4 ? DCO_VNET_GSO_TCPV4 : DCO_VNET_GSO_TCPV6;
    f->vnet.gso_size = f->seg_len;
    f->vnet.hdr_len = f->hdr_len;
    f->vnet.csum_start = f->inner.l4;
    f->vnet.csum_offset = tcp ? DCO_TCP_CHECKSUM : DCO_UDP_CHECKSUM;
}

static void
emit(struct dco_coalescer *c, struct dco_super *f)
{
    memset(&f->vnet, 0, sizeof(f->vnet));
    if (f->pieces > 1)
        finish_headers(f);
    c->emit(c->arg, f);
}

static void
emit_alone(struct dco_coalescer *c, uint8_t *pkt, uint32_t len, const struct dco_inner *inner)
{
    struct dco_super *f = &c->alone;

    f->piece[0] = (struct dco_piece){pkt, len};
    f->pieces = 1;
    f->len = len;
    f->inner = *inner;
    emit(c, f);
}

/* Emits the flow at this place of the order and frees it. */
static void
emit_flow(struct dco_coalescer *c, uint32_t place)
{
    uint8_t index = c->order[place];

    for (c->used--; place < c->used; place++)
        c->order[place] = c->order[place + 1];
    c->order[place] = index;
    emit(c, &c->flow[index]);
}

void
dco_coalesce_flush(struct dco_coalescer *c)
{
    while (c->used > 0)
        emit_flow(c, 0);
}

static inline bool
same_hosts(const struct dco_inner *a, const struct dco_inner *b)
{
    return dco_ip_equal(&a->src, &b->src) && dco_ip_equal(&a->dst, &b->dst);
}

/* The place of the packet's flow in the order, or c->used. */
static uint32_t
find_flow(const struct dco_coalescer *c, const uint8_t *pkt, const struct dco_inner *inner)
{
    const struct dco_super *f;
    uint32_t place;

    for (place = 0; place < c->used; place++) {
        f = &c->flow[c->order[place]];
        if (f->inner.protocol == inner->protocol &&
            memcmp(f->piece[0].data + f->inner.l4, pkt + inner->l4, DCO_PORTS_LEN) == 0 &&
            same_hosts(&f->inner, inner))
            break;
    }
    return place;
}

/* Fragments, and what hides its transport, may belong to any flow of their hosts. */
static void
emit_flows_of_hosts(struct dco_coalescer *c, const struct dco_inner *inner)
{
    uint32_t place = 0;

    while (place < c->used) {
        if (same_hosts(&c->flow[c->order[place]].inner, inner))
            emit_flow(c, place);
        else
            place++;
    }
}

/* Keeps the order within a flow before a packet passes that cannot be joined. */
static void
make_way(struct dco_coalescer *c, const uint8_t *pkt, uint32_t len, const struct dco_inner *inner)
{
    uint32_t place;

    if (inner->l4 == 0 || len < inner->l4 + DCO_PORTS_LEN) {
        emit_flows_of_hosts(c, inner);
        return;
    }
    place = find_flow(c, pkt, inner);
    if (place < c->used)
        emit_flow(c, place);
}

/* By words: few enough that a call would cost more. */
static inline bool
options_agree(const uint8_t *a, const uint8_t *b, uint32_t hdr_len)
{
    for (uint32_t at = DCO_TCP_HDR_MIN; at < hdr_len; at += 4)
        if (memcmp(a + at, b + at, 4) != 0)
            return false;
    return true;
}

/* The same but for lengths, IPv4 id and checksum, TCP sequence number, checksum, FIN and PSH. */
static bool
headers_agree(const struct dco_super *f, const struct segment *s)
{
    const uint8_t *a = f->piece[0].data, *b = s->pkt;

    if (f->hdr_len != s->hdr_len)
        return false;
    if (s->inner->version == 4) {
        if (a[DCO_IP4_TOS] != b[DCO_IP4_TOS] || memcmp(a + DCO_IP4_FRAG, b + DCO_IP4_FRAG, 4) != 0)
            return false;
        if (!(dco_get16(b + DCO_IP4_FRAG) & DCO_IP4_DF) && dco_get16(b + DCO_IP4_ID) != f->next_id)
            return false;
    } else if (memcmp(a, b, 4) != 0 || a[DCO_IP6_HOPS] != b[DCO_IP6_HOPS]) {
        return false;
    }
    if (s->inner->protocol != DCO_PROTO_TCP)
        return true;
    a += s->l4;
    b += s->l4;
    return memcmp(a + DCO_TCP_ACK_ID, b + DCO_TCP_ACK_ID, 4) == 0 &&
           memcmp(a + DCO_TCP_WINDOW, b + DCO_TCP_WINDOW, 2) == 0 &&
           memcmp(a + DCO_TCP_URGENT, b + DCO_TCP_URGENT, 2) == 0 &&
           options_agree(a, b, s->hdr_len - s->l4);
}

static bool
follows(const struct dco_super *f, const struct segment *s)
{
    if (s->payload > f->seg_len || f->pieces == DCO_COALESCE_PIECES ||
        f->len + s->payload > DCO_COALESCE_BYTES)
        return false;
    if (s->inner->protocol == DCO_PROTO_TCP &&
        dco_get32(s->pkt + s->l4 + DCO_TCP_SEQ) != f->next_seq)
        return false;
    return headers_agree(f, s);
}

static void
start_flow(struct dco_coalescer *c, const struct segment *s)
{
    struct dco_super *f;

    if (c->used == DCO_COALESCE_FLOWS)
        emit_flow(c, 0);
    f = &c->flow[c->order[c->used++]];
    f->piece[0] = (struct dco_piece){s->pkt, s->len};
    f->pieces = 1;
    f->len = s->len;
    f->inner = *s->inner;
    f->hdr_len = s->hdr_len;
    f->seg_len = (uint16_t)s->payload;
    f->last_flags = s->last_flags;
    f->verified = false;
    if (s->inner->version == 4)
        f->next_id = (uint16_t)(dco_get16(s->pkt + DCO_IP4_ID) + 1);
    if (s->inner->protocol == DCO_PROTO_TCP)
        f->next_seq = dco_get32(s->pkt + s->l4 + DCO_TCP_SEQ) + s->payload;
}

static void
append(struct dco_super *f, const struct segment *s)
{
    f->piece[f->pieces++] = (struct dco_piece){s->pkt + s->hdr_len, s->payload};
    f->len += s->payload;
    f->next_seq += s->payload;
    f->next_id++;
    f->last_flags |= s->last_flags;
}

/* What differs between the IPv4 headers of a flow. */
static inline uint16_t
ip4_own_sum(const uint8_t *ip)
{
    return dco_csum_add(dco_csum_add(dco_get16(ip + DCO_IP4_TOTAL), dco_get16(ip + DCO_IP4_ID)),
                        dco_get16(ip + DCO_IP4_CHECKSUM));
}

/* What the packets of a flow have in common was summed with the first one. */
static void
remember_sums(struct dco_super *f)
{
    const uint8_t *ip = f->piece[0].data;

    f->pseudo = pseudo_sum(ip, &f->inner, 0);
    if (f->inner.version == 4) /* the whole header adds up to 0xffff */
        f->ip_sum = (uint16_t)~ip4_own_sum(ip);
}

/* checksums_right() for a packet that follows() the first one, which was verified: what of its
 * headers is not summed here is the same in both. */
static bool
checksums_follow(const struct dco_coalescer *c, const struct dco_super *f, const struct segment *s)
{
    uint32_t l4_len = s->len - s->l4;
    uint16_t sum = dco_csum_add(f->pseudo, (uint16_t)l4_len);

    if (s->inner->version == 4 && dco_csum_add(f->ip_sum, ip4_own_sum(s->pkt)) != 0xffff)
        return false;
    return dco_csum_add(sum, c->csum(s->pkt + s->l4, l4_len)) == 0xffff;
}

/* Verified only once a second packet wants to join it: a packet that stays alone is the kernel's
 * to check. */
static bool
verify_first(const struct dco_coalescer *c, struct dco_super *f)
{
    if (!f->verified && checksums_right(c, f->piece[0].data, f->len, &f->inner)) {
        f->verified = true;
        remember_sums(f);
    }
    return f->verified;
}

/* A packet that may join, of the flow at place (c->used: none). */
static void
join(struct dco_coalescer *c, const struct segment *s, uint32_t place)
{
    struct dco_super *f;

    if (place < c->used) {
        f = &c->flow[c->order[place]];
        if (follows(f, s) && verify_first(c, f) && checksums_follow(c, f, s)) {
            append(f, s);
            if (s->payload < f->seg_len || (s->last_flags & DCO_TCP_FIN) != 0)
                emit_flow(c, place);
            return;
        }
        emit_flow(c, place);
    }
    if ((s->last_flags & DCO_TCP_FIN) != 0)
        emit_alone(c, s->pkt, s->len, s->inner);
    else
        start_flow(c, s);
}

void
dco_coalesce_add(struct dco_coalescer *c, uint8_t *pkt, uint32_t len, const struct dco_inner *inner)
{
    struct segment s = {.pkt = pkt, .len = len, .l4 = inner->l4, .hdr_len = 0, .inner = inner};

    if (suits(c, &s)) {
        join(c, &s, find_flow(c, pkt, inner));
        return;
    }
    make_way(c, pkt, len, inner);
    emit_alone(c, pkt, len, inner);
}
