/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which packets the coalescer can join: headers compared. Inline, because out of line the calls
 * cost a tenth of what the coalescer spends on a short packet. For coalesce.c only.
 */
#ifndef DCO_COALESCE_MATCH_H
#define DCO_COALESCE_MATCH_H

#include "bytes.h"
#include "coalesce.h"

/* A packet that can be joined with others of its flow. */
struct dco_candidate {
    uint8_t *pkt;
    uint32_t len;
    uint32_t payload; /* bytes */
    uint16_t hdr_len; /* IP plus transport header */
    uint16_t l4;      /* offset of the transport header */
    uint8_t flags;    /* TCP: FIN and PSH */
    const struct dco_inner *inner;
};

static inline bool
dco_candidate_tcp_init(struct dco_candidate *s)
{
    const uint8_t *tcp = s->pkt + s->l4;
    uint32_t hdr_len;

    if (s->len < s->l4 + DCO_TCP_HDR_MIN)
        return false;
    hdr_len = (tcp[DCO_TCP_OFFSET] >> 4) * 4U;
    if (hdr_len < DCO_TCP_HDR_MIN || s->l4 + hdr_len >= s->len)
        return false;
    if ((tcp[DCO_TCP_OFFSET] & 0xf) != 0 ||
        (tcp[DCO_TCP_FLAGS] & ~(DCO_TCP_FIN | DCO_TCP_PSH)) != DCO_TCP_ACK)
        return false;
    s->flags = tcp[DCO_TCP_FLAGS] & (DCO_TCP_FIN | DCO_TCP_PSH);
    s->hdr_len = (uint16_t)(s->l4 + hdr_len);
    return true;
}

static inline bool
dco_candidate_udp_init(struct dco_candidate *s)
{
    const uint8_t *udp = s->pkt + s->l4;

    if (s->len <= s->l4 + DCO_UDP_HDR || dco_read16(udp + DCO_UDP_LEN) != s->len - s->l4 ||
        dco_read16(udp + DCO_UDP_CHECKSUM) == 0)
        return false;
    s->flags = 0;
    s->hdr_len = (uint16_t)(s->l4 + DCO_UDP_HDR);
    return true;
}

/* No options or extension headers, no fragment, and the length field is the true length: an IPv4
 * length of 0 or an IPv6 payload length of 0 passed dco_inner_parse(), but not here. */
static inline bool
dco_candidate_plain_ip(const struct dco_candidate *s)
{
    if (s->inner->total != s->len)
        return false;
    if (s->inner->version == 4)
        return s->l4 == DCO_IP4_HDR_MIN && dco_read16(s->pkt + DCO_IP4_TOTAL) == s->len;
    return s->l4 == DCO_IP6_HDR && dco_read16(s->pkt + DCO_IP6_PAYLOAD) == s->len - DCO_IP6_HDR;
}

/* Fills s and returns true if the packet can be joined with others: TCP or UDP behind a plain IP
 * header, with lengths that agree, some payload, and no TCP flag but ACK, PSH and FIN. Arguments as
 * of dco_coalesce_add(). */
static inline bool
dco_candidate_init(struct dco_candidate *s, const struct dco_coalescer *c, uint8_t *pkt,
                   uint32_t len, const struct dco_inner *inner)
{
    bool ok = false;

    s->pkt = pkt;
    s->len = len;
    s->l4 = inner->l4;
    s->inner = inner;
    if (!dco_candidate_plain_ip(s))
        return false;
    if (inner->protocol == DCO_PROTO_TCP)
        ok = c->tcp && dco_candidate_tcp_init(s);
    else if (inner->protocol == DCO_PROTO_UDP)
        ok = c->udp && dco_candidate_udp_init(s);
    if (ok)
        s->payload = len - s->hdr_len;
    return ok;
}

/* In words of four bytes: options are so short that a call of memcmp() would cost more. */
static inline bool
dco_tcp_options_agree(const uint8_t *a, const uint8_t *b, uint32_t hdr_len)
{
    for (uint32_t at = DCO_TCP_HDR_MIN; at < hdr_len; at += 4) {
        if (memcmp(a + at, b + at, 4) != 0)
            return false;
    }
    return true;
}

/* All but sequence number, checksum, FIN and PSH. */
static inline bool
dco_tcp_agrees(const uint8_t *a, const uint8_t *b, uint32_t hdr_len)
{
    return memcmp(a + DCO_TCP_ACK_ID, b + DCO_TCP_ACK_ID, 4) == 0 &&
           memcmp(a + DCO_TCP_WINDOW, b + DCO_TCP_WINDOW, 2) == 0 &&
           memcmp(a + DCO_TCP_URGENT, b + DCO_TCP_URGENT, 2) == 0 &&
           dco_tcp_options_agree(a, b, hdr_len);
}

/* All but length and checksum. The id counts up, unless the packet must not be fragmented: then
 * nobody uses it, and it may be anything (RFC 6864). */
static inline bool
dco_ip4_agrees(const uint8_t *a, const uint8_t *b, uint16_t next_id)
{
    /* flags, offset, TTL and protocol */
    if (a[DCO_IP4_TOS] != b[DCO_IP4_TOS] || memcmp(a + DCO_IP4_FRAG, b + DCO_IP4_FRAG, 4) != 0)
        return false;
    return (dco_read16(b + DCO_IP4_FRAG) & DCO_IP4_DF) != 0 ||
           dco_read16(b + DCO_IP4_ID) == next_id;
}

/* Version, traffic class and flow label, and the hop limit. */
static inline bool
dco_ip6_agrees(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, 4) == 0 && a[DCO_IP6_HOPS] == b[DCO_IP6_HOPS];
}

/* Addresses, ports and protocol agree already: that is the flow. */
static inline bool
dco_headers_agree(const struct dco_super *f, const struct dco_candidate *s)
{
    const uint8_t *a = f->piece[0].data, *b = s->pkt;

    if (f->hdr_len != s->hdr_len)
        return false;
    if (s->inner->version == 4 ? !dco_ip4_agrees(a, b, f->next_id) : !dco_ip6_agrees(a, b))
        return false;
    return s->inner->protocol != DCO_PROTO_TCP ||
           dco_tcp_agrees(a + s->l4, b + s->l4, s->hdr_len - s->l4);
}

/* Whether s, of the same flow, is the next packet of f, and f has room for it. */
static inline bool
dco_candidate_follows(const struct dco_candidate *s, const struct dco_super *f)
{
    if (s->payload > f->seg_len || f->pieces == DCO_COALESCE_PIECES ||
        f->len + s->payload > DCO_COALESCE_BYTES)
        return false;
    if (s->inner->protocol == DCO_PROTO_TCP &&
        dco_read32(s->pkt + s->l4 + DCO_TCP_SEQ) != f->next_seq)
        return false;
    return dco_headers_agree(f, s);
}

#endif
