/* SPDX-License-Identifier: BSD-2-Clause */
#include "mss.h"

#include "bytes.h"
#include "csum.h"

static inline uint16_t
swap16(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}

/* Replaces the two bytes at tcp + at. At an odd offset they lie in two words of the checksum, which
 * changes as if they were swapped and at an even offset. */
static void
replace16(uint8_t *tcp, uint32_t at, uint16_t is)
{
    uint16_t was = dco_read16(tcp + at);
    uint16_t checksum = dco_read16(tcp + DCO_TCP_CHECKSUM);

    dco_write16(tcp + at, is);
    if (at & 1)
        checksum = dco_csum_update(checksum, swap16(was), swap16(is));
    else
        checksum = dco_csum_update(checksum, was, is);
    dco_write16(tcp + DCO_TCP_CHECKSUM, checksum);
}

/* Lowers every MSS option: receivers differ in which of several they use. */
static bool
clamp_options(uint8_t *tcp, uint32_t hdr_len, uint16_t limit)
{
    uint32_t at = DCO_TCP_HDR_MIN, opt_len;
    bool changed = false;

    while (at < hdr_len && tcp[at] != DCO_TCPOPT_EOL) {
        if (tcp[at] == DCO_TCPOPT_NOP) {
            at++;
            continue;
        }
        if (hdr_len - at < 2)
            break;
        opt_len = tcp[at + 1];
        if (opt_len < 2 || opt_len > hdr_len - at)
            break;
        if (tcp[at] == DCO_TCPOPT_MSS && opt_len == DCO_TCPOPT_MSS_LEN &&
            dco_read16(tcp + at + 2) > limit) {
            replace16(tcp, at + 2, limit);
            changed = true;
        }
        at += opt_len;
    }
    return changed;
}

bool
dco_mss_clamp(uint8_t *pkt, size_t len, const struct dco_inner *inner, uint16_t room)
{
    uint32_t headers = (inner->version == 4 ? DCO_IP4_HDR_MIN : DCO_IP6_HDR) + DCO_TCP_HDR_MIN;
    uint32_t left, hdr_len;
    uint8_t *tcp;

    if (inner->l4 == 0 || inner->protocol != DCO_PROTO_TCP || inner->total > len ||
        inner->total - inner->l4 < DCO_TCP_HDR_MIN || room <= headers)
        return false;
    tcp = pkt + inner->l4;
    left = inner->total - inner->l4;
    if (!(tcp[DCO_TCP_FLAGS] & DCO_TCP_SYN))
        return false;
    hdr_len = (tcp[DCO_TCP_OFFSET] >> 4) * 4U;
    if (hdr_len > left)
        return false;
    return clamp_options(tcp, hdr_len, (uint16_t)(room - headers));
}
