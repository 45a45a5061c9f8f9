/* SPDX-License-Identifier: BSD-2-Clause */
#include "inner.h"

#include "bytes.h"

/* Next header values that lead to another header instead of a transport (RFC 8200; IANA's list of
 * IPv6 extension header types, without ESP: nothing behind it can be read). */
enum {
    IP6_HOP_BY_HOP = 0,
    IP6_ROUTING = 43,
    IP6_FRAGMENT = 44,
    IP6_AUTH = 51,
    IP6_DEST_OPTIONS = 60,
    IP6_MOBILITY = 135,
    IP6_HIP = 139,
    IP6_SHIM6 = 140,
};

static bool
is_extension(uint8_t next_header)
{
    switch (next_header) {
    case IP6_HOP_BY_HOP:
    case IP6_ROUTING:
    case IP6_FRAGMENT:
    case IP6_AUTH:
    case IP6_DEST_OPTIONS:
    case IP6_MOBILITY:
    case IP6_HIP:
    case IP6_SHIM6:
        return true;
    default:
        return false;
    }
}

static bool
parse4(const uint8_t *pkt, size_t len, struct dco_inner *inner)
{
    uint32_t hdr, total;

    if (len < DCO_IP4_HDR_MIN)
        return false;
    hdr = (pkt[0] & 0xfU) * 4;
    total = dco_read16(pkt + DCO_IP4_TOTAL);
    if (total == 0)
        total = (uint32_t)len;
    if (hdr < DCO_IP4_HDR_MIN || total < hdr || total > len)
        return false;
    dco_ip_set4(&inner->src, pkt + DCO_IP4_SRC);
    dco_ip_set4(&inner->dst, pkt + DCO_IP4_DST);
    inner->ip_len = (uint16_t)hdr;
    inner->total = total;
    inner->version = 4;
    inner->protocol = pkt[DCO_IP4_PROTOCOL];
    inner->fragment = (dco_read16(pkt + DCO_IP4_FRAG) & DCO_IP4_FRAGMENT_MASK) != 0;
    inner->l4 = inner->fragment ? 0 : inner->ip_len;
    return true;
}

static bool
parse6(const uint8_t *pkt, size_t len, struct dco_inner *inner)
{
    uint32_t payload;

    if (len < DCO_IP6_HDR)
        return false;
    payload = dco_read16(pkt + DCO_IP6_PAYLOAD);
    if (payload == 0)
        payload = (uint32_t)len - DCO_IP6_HDR;
    if (payload > len - DCO_IP6_HDR)
        return false;
    dco_ip_set6(&inner->src, pkt + DCO_IP6_SRC);
    dco_ip_set6(&inner->dst, pkt + DCO_IP6_DST);
    inner->ip_len = DCO_IP6_HDR;
    inner->total = DCO_IP6_HDR + payload;
    inner->version = 6;
    inner->protocol = pkt[DCO_IP6_NEXT];
    inner->fragment = pkt[DCO_IP6_NEXT] == IP6_FRAGMENT;
    inner->l4 = is_extension(pkt[DCO_IP6_NEXT]) ? 0 : DCO_IP6_HDR;
    return true;
}

bool
dco_inner_parse(const uint8_t *pkt, size_t len, struct dco_inner *inner)
{
    if (len == 0 || len > UINT32_MAX)
        return false;
    switch (pkt[0] >> 4) {
    case 4:
        return parse4(pkt, len, inner);
    case 6:
        return parse6(pkt, len, inner);
    default:
        return false;
    }
}

uint32_t
dco_inner_transport(const uint8_t *pkt, const struct dco_inner *inner, uint8_t *protocol)
{
    *protocol = inner->protocol;
    if (!inner->fragment)
        return inner->l4;
    if (inner->version == 4)
        return (dco_read16(pkt + DCO_IP4_FRAG) & DCO_IP4_OFFSET_MASK) == 0 ? inner->ip_len : 0;
    if (inner->total < DCO_IP6_HDR + DCO_IP6_FRAG_HDR ||
        (dco_read16(pkt + DCO_IP6_HDR + DCO_IP6_FRAG_OFFSET) & DCO_IP6_FRAG_OFFSET_MASK) != 0)
        return 0;
    *protocol = pkt[DCO_IP6_HDR];
    return DCO_IP6_HDR + DCO_IP6_FRAG_HDR;
}
