/* SPDX-License-Identifier: BSD-2-Clause */
#include "inner.h"
#include "bytes.h"
#include "csum.h"

#define TCP_HDR_MIN    20U
#define TCP_CHECKSUM   16U
#define TCP_SYN        0x02U
#define TCPOPT_EOL     0U
#define TCPOPT_NOP     1U
#define TCPOPT_MSS     2U
#define TCPOPT_MSS_LEN 4U

static inline uint16_t
swap16(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}

/* Replaces the two bytes at tcp + at. At an odd offset they straddle two words of the checksum,
 * which changes as if they were swapped at an even one. */
static void
replace16(uint8_t *tcp, uint32_t at, uint16_t is)
{
    uint16_t was = dco_get16(tcp + at);
    uint16_t checksum = dco_get16(tcp + TCP_CHECKSUM);

    dco_put16(tcp + at, is);
    if (at & 1)
        checksum = dco_csum_update(checksum, swap16(was), swap16(is));
    else
        checksum = dco_csum_update(checksum, was, is);
    dco_put16(tcp + TCP_CHECKSUM, checksum);
}

/* Every MSS option is lowered, because receivers differ in which of several they believe. */
static bool
clamp_options(uint8_t *tcp, uint32_t hdr_len, uint16_t limit)
{
    uint32_t at = TCP_HDR_MIN, opt_len;
    bool changed = false;

    while (at < hdr_len && tcp[at] != TCPOPT_EOL) {
        if (tcp[at] == TCPOPT_NOP) {
            at++;
            continue;
        }
        if (hdr_len - at < 2)
            break;
        opt_len = tcp[at + 1];
        if (opt_len < 2 || opt_len > hdr_len - at)
            break;
        if (tcp[at] == TCPOPT_MSS && opt_len == TCPOPT_MSS_LEN && dco_get16(tcp + at + 2) > limit) {
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
    uint32_t headers = (inner->version == 4 ? 20U : 40U) + TCP_HDR_MIN;
    uint32_t left, hdr_len;
    uint8_t *tcp;

    if (inner->l4 == 0 || inner->protocol != DCO_PROTO_TCP || inner->total > len ||
        inner->total - inner->l4 < TCP_HDR_MIN || room <= headers)
        return false;
    tcp = pkt + inner->l4;
    left = inner->total - inner->l4;
    if (!(tcp[13] & TCP_SYN))
        return false;
    hdr_len = (tcp[12] >> 4) * 4U;
    if (hdr_len > left)
        return false;
    return clamp_options(tcp, hdr_len, (uint16_t)(room - headers));
}
