/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: two bytes for the room, then an inner packet. What the parser reports lies within the
 * packet; the MSS clamp changes nothing but MSS values and the checksum, keeps a right checksum
 * right, and has nothing left to do the second time.
 */
#include "bytes.h"
#include "mss.h"
#include "packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool held)
{
    if (!held)
        abort();
}

static void
clamp(const uint8_t *before, uint8_t *pkt, size_t len, const struct dco_inner *inner, uint16_t room)
{
    bool plain = inner->l4 != 0 && inner->protocol == DCO_PROTO_TCP && inner->total == len &&
                 len >= inner->l4 + 20U;
    bool was_right = plain && packet_is_right(before, (uint32_t)len);
    bool changed = dco_mss_clamp(pkt, len, inner, room);

    must(changed == (memcmp(before, pkt, len) != 0));
    if (!changed)
        return;
    must(memcmp(before, pkt, inner->l4 + 16U) == 0);
    must(memcmp(before + inner->l4 + 18, pkt + inner->l4 + 18, 2) == 0);
    must(!was_right || packet_is_right(pkt, (uint32_t)len));
    must(!dco_mss_clamp(pkt, len, inner, room));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dco_inner inner;
    uint8_t *pkt;
    size_t len;

    if (size < 2)
        return 0;
    len = size - 2;
    pkt = malloc(len + (len == 0));
    must(pkt != NULL);
    memcpy(pkt, data + 2, len);
    if (dco_inner_parse(pkt, len, &inner)) {
        must(inner.total <= len && inner.ip_len <= inner.total);
        must(inner.l4 == 0 || inner.l4 == inner.ip_len);
        must(!inner.fragment || inner.l4 == 0);
        must(inner.version == 4 || inner.version == 6);
        must(inner.src.family == inner.version && inner.dst.family == inner.version);
        clamp(data + 2, pkt, len, &inner, dco_read16(data));
    }
    free(pkt);
    return 0;
}
