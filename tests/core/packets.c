/* SPDX-License-Identifier: BSD-2-Clause */
#include "packets.h"

static void
put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static uint32_t
get16(const uint8_t *p)
{
    return p[0] * 256U + p[1];
}

uint16_t
packet_sum(const uint8_t *data, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? data[i] : data[i] * 256U;
        if (sum > 0xffff)
            sum = sum - 0x10000 + 1;
    }
    return (uint16_t)sum;
}

static uint32_t
ip_len(const uint8_t *pkt)
{
    return pkt[0] >> 4 == 4 ? (pkt[0] & 15U) * 4 : 40;
}

static uint8_t
protocol(const uint8_t *pkt)
{
    return pkt[0] >> 4 == 4 ? pkt[9] : pkt[6];
}

uint32_t
packet_headers(const uint8_t *pkt)
{
    uint32_t l4 = ip_len(pkt);

    return protocol(pkt) == DCO_PROTO_TCP ? l4 + (pkt[l4 + 12] >> 4) * 4U : l4 + 8;
}

static uint8_t *
checksum_field(uint8_t *pkt)
{
    return pkt + ip_len(pkt) + (protocol(pkt) == DCO_PROTO_TCP ? 16 : 6);
}

/* The sum of the pseudo header alone (payload false), or with everything it covers. */
static uint16_t
transport_sum(const uint8_t *pkt, uint32_t len, bool payload)
{
    static uint8_t flat[40 + 70000];
    uint32_t l4 = ip_len(pkt), at = 0;

    memset(flat, 0, 40);
    if (pkt[0] >> 4 == 4) {
        memcpy(flat, pkt + 12, 8);
        at = 8;
    } else {
        memcpy(flat, pkt + 8, 32);
        at = 32;
    }
    put32(flat + at, len - l4);
    put32(flat + at + 4, protocol(pkt));
    at += 8;
    if (payload) {
        memcpy(flat + at, pkt + l4, len - l4);
        at += len - l4;
    }
    return packet_sum(flat, at);
}

void
packet_fix_checksums(uint8_t *pkt, uint32_t len)
{
    uint8_t *field = checksum_field(pkt);
    uint16_t sum;

    if (pkt[0] >> 4 == 4) {
        put16(pkt + 10, 0);
        put16(pkt + 10, 0xffffU - packet_sum(pkt, ip_len(pkt)));
    }
    put16(field, 0);
    sum = (uint16_t)~transport_sum(pkt, len, true);
    put16(field, sum == 0 && protocol(pkt) == DCO_PROTO_UDP ? 0xffff : sum);
}

void
packet_leave_checksum(uint8_t *pkt, uint32_t len, struct dco_vnet *vnet)
{
    uint8_t *field = checksum_field(pkt);

    put16(field, transport_sum(pkt, len, false));
    vnet->flags = DCO_VNET_NEEDS_CSUM;
    vnet->csum_start = (uint16_t)ip_len(pkt);
    vnet->csum_offset = (uint16_t)(field - pkt - ip_len(pkt));
}

bool
packet_is_right(const uint8_t *pkt, uint32_t len)
{
    uint32_t l4 = ip_len(pkt);

    if (pkt[0] >> 4 == 4 && (get16(pkt + 2) != len || packet_sum(pkt, l4) != 0xffff))
        return false;
    if (pkt[0] >> 4 == 6 && get16(pkt + 4) != len - 40)
        return false;
    if (protocol(pkt) == DCO_PROTO_UDP && (get16(pkt + l4 + 4) != len - l4 || //
                                           get16(pkt + l4 + 6) == 0))
        return false;
    return transport_sum(pkt, len, true) == 0xffff;
}

struct packet
packet_make(uint8_t version, uint8_t proto, uint32_t payload_len)
{
    struct packet p = {
        .version = version,
        .protocol = proto,
        .host = 1,
        .ttl = 64,
        .df = true,
        .id = 0x1234,
        .sport = 40000,
        .dport = 443,
        .seq = 0xfffffff0,
        .ack = 0x01020304,
        .flags = PACKET_TCP_ACK,
        .window = 0x7fff,
        .payload_len = payload_len,
    };

    return p;
}

static uint32_t
write_ip(const struct packet *p, uint8_t *out, uint32_t l4_len)
{
    uint32_t hdr = 20U + p->ip_options_len;

    if (p->version == 6) {
        put32(out, 0x60000000U | (uint32_t)p->tos << 20 | 0x12345);
        put16(out + 4, l4_len > 0xffff ? 0 : l4_len);
        out[6] = p->protocol;
        out[7] = p->ttl;
        memset(out + 8, 0, 32);
        out[8] = out[24] = 0xfd;
        out[23] = p->host;
        out[39] = 200;
        return 40;
    }
    memset(out, 1, hdr); /* options: NOP */
    out[0] = (uint8_t)(0x40 | hdr / 4);
    out[1] = p->tos;
    put16(out + 2, hdr + l4_len > 0xffff ? 0 : hdr + l4_len);
    put16(out + 4, p->id);
    put16(out + 6, p->df ? 0x4000 : 0);
    out[8] = p->ttl;
    out[9] = p->protocol;
    put32(out + 12, 0x0a080000U | p->host);
    put32(out + 16, 0x0a0800c8U);
    return hdr;
}

static void
write_transport(const struct packet *p, uint8_t *l4)
{
    put16(l4, p->sport);
    put16(l4 + 2, p->dport);
    if (p->protocol == DCO_PROTO_UDP) {
        put16(l4 + 4, 8 + p->payload_len > 0xffff ? 0 : 8 + p->payload_len);
        return;
    }
    put32(l4 + 4, p->seq);
    put32(l4 + 8, p->ack);
    l4[12] = (uint8_t)((20 + p->options_len) / 4 << 4);
    l4[13] = p->flags;
    put16(l4 + 14, p->window);
    put16(l4 + 18, 0);
    memcpy(l4 + 20, p->options, p->options_len);
}

uint32_t
packet_write(const struct packet *p, uint8_t *out, struct rng *rng)
{
    uint32_t l4_hdr = p->protocol == DCO_PROTO_TCP ? 20U + p->options_len : 8;
    uint32_t ip = write_ip(p, out, l4_hdr + p->payload_len);

    write_transport(p, out + ip);
    rng_bytes(rng, out + ip + l4_hdr, p->payload_len);
    packet_fix_checksums(out, ip + l4_hdr + p->payload_len);
    return ip + l4_hdr + p->payload_len;
}

uint32_t
packet_segment(const uint8_t *super, uint32_t len, uint32_t hdr_len, uint32_t gso_size, uint32_t i,
               uint8_t *out)
{
    uint32_t all = len - hdr_len, from = i * gso_size;
    uint32_t n = all - from < gso_size ? all - from : gso_size, l4 = ip_len(super), seq;

    memcpy(out, super, hdr_len);
    memcpy(out + hdr_len, super + hdr_len + from, n);
    if (super[0] >> 4 == 4) {
        put16(out + 2, hdr_len + n);
        put16(out + 4, (get16(super + 4) + i) & 0xffff);
    } else {
        put16(out + 4, hdr_len - 40 + n);
    }
    if (protocol(super) == DCO_PROTO_UDP) {
        put16(out + l4 + 4, 8 + n);
    } else {
        seq = (get16(super + l4 + 4) << 16 | get16(super + l4 + 6)) + from;
        put32(out + l4 + 4, seq);
        if (from + n < all)
            out[l4 + 13] &= (uint8_t) ~(PACKET_TCP_FIN | PACKET_TCP_PSH);
        if (i > 0)
            out[l4 + 13] &= (uint8_t)~PACKET_TCP_CWR;
    }
    packet_fix_checksums(out, hdr_len + n);
    return hdr_len + n;
}

bool
packet_same_but_psh(const uint8_t *a, const uint8_t *b, uint32_t len)
{
    static uint8_t copy[70000];
    uint32_t l4 = ip_len(a);

    if (memcmp(a, b, len) == 0)
        return true;
    if (protocol(a) != DCO_PROTO_TCP || len < l4 + 20 || !packet_is_right(a, len) ||
        !packet_is_right(b, len))
        return false;
    memcpy(copy, a, len);
    copy[l4 + 13] ^= PACKET_TCP_PSH;
    memcpy(copy + l4 + 16, b + l4 + 16, 2);
    return memcmp(copy, b, len) == 0;
}
