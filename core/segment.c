/* SPDX-License-Identifier: BSD-2-Clause */
#include "segment.h"

#include "bytes.h"

#define SUPER_MAX 65536U

_Static_assert(DCO_SEGMENT_HDR_MAX >= 60 + 60, "IPv4 and TCP with all options");

/* The checksum field for a partial sum. It is never 0, which means "no checksum" in UDP. */
static inline uint16_t
finish(uint16_t partial)
{
    return partial == 0xffff ? 0xffff : (uint16_t)~partial;
}

static bool
complete_checksum(const struct dco_vnet *vnet, uint8_t *pkt, uint32_t len,
                  const struct dco_inner *inner, dco_csum_fn *csum)
{
    uint32_t field = (uint32_t)vnet->csum_start + vnet->csum_offset;

    if (vnet->csum_start < inner->ip_len || field + 2 > len)
        return false;
    dco_write16(pkt + field, finish(csum(pkt + vnet->csum_start, len - vnet->csum_start)));
    return true;
}

/* The length of the headers of a super-packet, or 0 if they do not match vnet. */
static uint32_t
headers_len(const struct dco_vnet *vnet, const uint8_t *pkt, uint32_t len,
            const struct dco_inner *inner)
{
    uint32_t l4_len, room = len - inner->l4;

    if (inner->l4 == 0)
        return 0;
    switch (vnet->gso_type & ~DCO_VNET_GSO_ECN) {
    case DCO_VNET_GSO_TCPV4:
    case DCO_VNET_GSO_TCPV6:
        if (inner->version != ((vnet->gso_type & ~DCO_VNET_GSO_ECN) == DCO_VNET_GSO_TCPV4 ? 4 : 6))
            return 0;
        if (inner->protocol != DCO_PROTO_TCP || room < DCO_TCP_HDR_MIN)
            return 0;
        l4_len = (pkt[inner->l4 + DCO_TCP_OFFSET] >> 4) * 4U;
        if (l4_len < DCO_TCP_HDR_MIN)
            return 0;
        break;
    case DCO_VNET_GSO_UDP_L4:
        if (inner->protocol != DCO_PROTO_UDP)
            return 0;
        l4_len = DCO_UDP_HDR;
        break;
    default:
        return 0;
    }
    return l4_len <= room ? inner->l4 + l4_len : 0;
}

static bool
checksum_place_agrees(const struct dco_vnet *vnet, const struct dco_inner *inner)
{
    uint32_t field = inner->protocol == DCO_PROTO_TCP ? DCO_TCP_CHECKSUM : DCO_UDP_CHECKSUM;

    return !(vnet->flags & DCO_VNET_NEEDS_CSUM) ||
           (vnet->csum_start == inner->l4 && vnet->csum_offset == field);
}

/* Sums of the fields that are the same in all segments. */
static void
prepare_sums(struct dco_cut *cut, dco_csum_fn *csum)
{
    uint8_t hdr[DCO_SEGMENT_HDR_MAX];
    uint8_t *l4 = hdr + cut->l4;
    uint32_t addrs = cut->version == 4 ? DCO_IP4_SRC : DCO_IP6_SRC;

    memcpy(hdr, cut->hdr, cut->hdr_len);
    if (cut->protocol == DCO_PROTO_TCP) {
        dco_write32(l4 + DCO_TCP_SEQ, 0);
        dco_write16(l4 + DCO_TCP_OFFSET, 0);
        dco_write16(l4 + DCO_TCP_CHECKSUM, 0);
    } else {
        dco_write16(l4 + DCO_UDP_LEN, 0);
        dco_write16(l4 + DCO_UDP_CHECKSUM, 0);
    }
    cut->l4_sum = dco_csum_add(
        csum(l4, cut->hdr_len - cut->l4),
        dco_csum_pseudo(hdr + addrs, cut->version == 4 ? DCO_IP4_ADDRS_LEN : DCO_IP6_ADDRS_LEN,
                        cut->protocol, 0));
    if (cut->version == 4) {
        dco_write32(hdr + DCO_IP4_TOTAL, 0); /* total length and id */
        dco_write16(hdr + DCO_IP4_CHECKSUM, 0);
        cut->ip_sum = csum(hdr, cut->l4);
    }
}

bool
dco_segment_plan(struct dco_cut *cut, const struct dco_vnet *vnet, uint8_t *pkt, uint32_t len,
                 const struct dco_inner *inner, dco_csum_fn *csum)
{
    bool super = vnet->gso_type != DCO_VNET_GSO_NONE;
    uint32_t hdr_len = 0;

    if (len > SUPER_MAX || inner->total > len)
        return false;
    cut->pkt = pkt;
    cut->len = len;
    cut->n = 1;
    if (super) {
        hdr_len = headers_len(vnet, pkt, len, inner);
        if (hdr_len == 0 || vnet->gso_size == 0 || inner->total != len ||
            !checksum_place_agrees(vnet, inner))
            return false;
        cut->n = (len - hdr_len + vnet->gso_size - 1) / vnet->gso_size;
    }
    if (cut->n <= 1) {
        cut->n = 1;
        return !(vnet->flags & DCO_VNET_NEEDS_CSUM) ||
               complete_checksum(vnet, pkt, len, inner, csum);
    }
    cut->hdr_len = (uint16_t)hdr_len;
    cut->seg_len = vnet->gso_size;
    cut->l4 = inner->l4;
    cut->version = inner->version;
    cut->protocol = inner->protocol;
    memcpy(cut->hdr, pkt, hdr_len);
    prepare_sums(cut, csum);
    return true;
}

static void
write_ip4(const struct dco_cut *cut, uint8_t *ip, uint32_t i, uint32_t len)
{
    uint16_t id = (uint16_t)(dco_read16(cut->hdr + DCO_IP4_ID) + i);

    dco_write16(ip + DCO_IP4_TOTAL, (uint16_t)len);
    dco_write16(ip + DCO_IP4_ID, id);
    dco_write16(ip + DCO_IP4_CHECKSUM,
                (uint16_t)~dco_csum_add(dco_csum_add(cut->ip_sum, (uint16_t)len), id));
}

/* FIN and PSH belong to the last segment, CWR to the first. */
static void
write_tcp(const struct dco_cut *cut, uint8_t *tcp, uint32_t i, uint32_t sum)
{
    uint32_t seq = dco_read32(cut->hdr + cut->l4 + DCO_TCP_SEQ) + i * cut->seg_len;
    uint32_t flags = dco_read16(tcp + DCO_TCP_OFFSET);

    if (i + 1 < cut->n)
        flags &= ~(DCO_TCP_FIN | DCO_TCP_PSH);
    if (i > 0)
        flags &= ~DCO_TCP_CWR;
    dco_write32(tcp + DCO_TCP_SEQ, seq);
    dco_write16(tcp + DCO_TCP_OFFSET, (uint16_t)flags);
    sum += (seq >> 16) + (seq & 0xffff) + flags;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    dco_write16(tcp + DCO_TCP_CHECKSUM, (uint16_t)~sum);
}

static void
write_udp(uint8_t *udp, uint32_t l4_len, uint32_t sum)
{
    sum += l4_len;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    dco_write16(udp + DCO_UDP_LEN, (uint16_t)l4_len);
    dco_write16(udp + DCO_UDP_CHECKSUM, finish((uint16_t)sum));
}

uint8_t *
dco_segment_next(struct dco_cut *cut, uint32_t i, uint32_t *len, dco_csum_fn *csum)
{
    uint32_t payload, l4_len, sum;
    uint8_t *seg;

    if (cut->n == 1) {
        *len = cut->len;
        return cut->pkt;
    }
    seg = cut->pkt + (size_t)i * cut->seg_len;
    payload = cut->len - cut->hdr_len - i * cut->seg_len;
    if (payload > cut->seg_len)
        payload = cut->seg_len;
    *len = cut->hdr_len + payload;
    l4_len = *len - cut->l4;

    sum = (uint32_t)cut->l4_sum + l4_len + csum(seg + cut->hdr_len, payload);
    memcpy(seg, cut->hdr, cut->hdr_len);
    if (cut->version == 4)
        write_ip4(cut, seg, i, *len);
    else
        dco_write16(seg + DCO_IP6_PAYLOAD, (uint16_t)(*len - DCO_IP6_HDR));
    if (cut->protocol == DCO_PROTO_TCP)
        write_tcp(cut, seg + cut->l4, i, sum);
    else
        write_udp(seg + cut->l4, l4_len, sum);
    return seg;
}
