/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: a segmentation header as the kernel writes it (little-endian here, whatever the machine),
 * then a packet. What is cut must be what a cut from scratch gives; what is refused must be
 * untouched; nothing beyond the packet is written.
 */
#include "packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VNET_LEN 10U

static void
must(bool held)
{
    if (!held)
        abort();
}

static struct dco_vnet
read_vnet(const uint8_t *p)
{
    struct dco_vnet vnet = {
        .flags = p[0],
        .gso_type = p[1],
        .hdr_len = (uint16_t)(p[2] | p[3] << 8),
        .gso_size = (uint16_t)(p[4] | p[5] << 8),
        .csum_start = (uint16_t)(p[6] | p[7] << 8),
        .csum_offset = (uint16_t)(p[8] | p[9] << 8),
    };

    return vnet;
}

static void
compare(struct dco_cut *cut, const uint8_t *before, uint32_t len, const struct dco_vnet *vnet)
{
    static uint8_t want[70000];
    uint32_t hdr_len = packet_headers(before), seg_len;
    uint8_t *seg;

    must(hdr_len <= DCO_SEGMENT_HDR_MAX && hdr_len < len);
    must(cut->n == (len - hdr_len + vnet->gso_size - 1) / vnet->gso_size);
    for (uint32_t i = 0; i < cut->n; i++) {
        seg = dco_segment_next(cut, i, &seg_len, dco_csum);
        must(seg_len == packet_segment(before, len, hdr_len, vnet->gso_size, i, want));
        must(memcmp(seg, want, seg_len) == 0);
        must(packet_is_right(seg, seg_len));
    }
}

static void
single(struct dco_cut *cut, const uint8_t *before, uint32_t len, const struct dco_vnet *vnet)
{
    uint32_t seg_len, field = (uint32_t)vnet->csum_start + vnet->csum_offset;
    uint8_t *seg = dco_segment_next(cut, 0, &seg_len, dco_csum);

    must(seg_len == len);
    if (!(vnet->flags & DCO_VNET_NEEDS_CSUM)) {
        must(memcmp(seg, before, len) == 0);
        return;
    }
    must(field + 2 <= len);
    must(memcmp(seg, before, field) == 0);
    must(memcmp(seg + field + 2, before + field + 2, len - field - 2) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dco_vnet vnet;
    struct dco_inner inner;
    struct dco_cut cut;
    const uint8_t *before;
    uint8_t *pkt;
    uint32_t len;

    if (size <= VNET_LEN)
        return 0;
    vnet = read_vnet(data);
    before = data + VNET_LEN;
    len = (uint32_t)(size - VNET_LEN);
    pkt = malloc(len);
    must(pkt != NULL);
    memcpy(pkt, before, len);
    if (dco_inner_parse(pkt, len, &inner)) {
        if (!dco_segment_plan(&cut, &vnet, pkt, len, &inner, dco_csum))
            must(memcmp(pkt, before, len) == 0);
        else if (cut.n > 1)
            compare(&cut, before, len, &vnet);
        else
            single(&cut, before, len, &vnet);
    }
    free(pkt);
    return 0;
}
