/* SPDX-License-Identifier: BSD-2-Clause */
#include "coalesce.h"

#include "bytes.h"
#include "coalesce_csum.h"
#include "coalesce_match.h"

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

static void
emit(struct dco_coalescer *c, struct dco_super *f)
{
    memset(&f->vnet, 0, sizeof(f->vnet));
    if (f->pieces > 1)
        dco_super_finish(f);
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

/* A packet that cannot be joined passes alone, behind what came before it in its flow. A packet
 * without visible ports, such as a fragment, may belong to any flow of its hosts. */
static void
pass_alone(struct dco_coalescer *c, uint8_t *pkt, uint32_t len, const struct dco_inner *inner)
{
    uint32_t place;

    if (inner->l4 == 0 || len < inner->l4 + DCO_PORTS_LEN) {
        emit_flows_of_hosts(c, inner);
    } else {
        place = find_flow(c, pkt, inner);
        if (place < c->used)
            emit_flow(c, place);
    }
    emit_alone(c, pkt, len, inner);
}

static void
start_flow(struct dco_coalescer *c, const struct dco_candidate *s)
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
    f->last_flags = s->flags;
    f->verified = false;
    if (s->inner->version == 4)
        f->next_id = (uint16_t)(dco_read16(s->pkt + DCO_IP4_ID) + 1);
    if (s->inner->protocol == DCO_PROTO_TCP)
        f->next_seq = dco_read32(s->pkt + s->l4 + DCO_TCP_SEQ) + s->payload;
}

static void
append(struct dco_super *f, const struct dco_candidate *s)
{
    f->piece[f->pieces++] = (struct dco_piece){s->pkt + s->hdr_len, s->payload};
    f->len += s->payload;
    f->next_seq += s->payload;
    f->next_id++;
    f->last_flags |= s->flags;
}

/* The first packet of a flow is verified when a second one wants to join it. If none does, it
 * passes unchanged, and the kernel verifies it. */
static bool
try_append(struct dco_coalescer *c, struct dco_super *f, const struct dco_candidate *s)
{
    if (!dco_candidate_follows(s, f))
        return false;
    if (!f->verified && !dco_super_verify(f, c->csum))
        return false;
    if (!dco_super_verify_next(f, s, c->csum))
        return false;
    append(f, s);
    return true;
}

/* A flow ends with a FIN or with a packet that is shorter than those before it. */
static void
add_candidate(struct dco_coalescer *c, const struct dco_candidate *s)
{
    uint32_t place = find_flow(c, s->pkt, s->inner);
    bool fin = (s->flags & DCO_TCP_FIN) != 0;

    if (place < c->used) {
        struct dco_super *f = &c->flow[c->order[place]];
        bool appended = try_append(c, f, s);

        if (!appended || fin || s->payload < f->seg_len)
            emit_flow(c, place);
        if (appended)
            return;
    }
    if (fin)
        emit_alone(c, s->pkt, s->len, s->inner);
    else
        start_flow(c, s);
}

void
dco_coalesce_add(struct dco_coalescer *c, uint8_t *pkt, uint32_t len, const struct dco_inner *inner)
{
    struct dco_candidate s;

    if (dco_candidate_init(&s, c, pkt, len, inner))
        add_candidate(c, &s);
    else
        pass_alone(c, pkt, len, inner);
}
