/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checksums of what the coalescer joins. A super-packet enters the stack with new ones, so no
 * packet with a wrong one may get into it. A correct checksum makes everything that it covers add
 * up to 0xffff. For core/ only.
 */
#ifndef DCO_COALESCE_CSUM_H
#define DCO_COALESCE_CSUM_H

#include "bytes.h"
#include "coalesce_match.h"

/* Whether the checksums of the only packet of f are right. Sets f->verified, and then the sums that
 * dco_super_verify_next() uses. */
bool dco_super_verify(struct dco_super *f, dco_csum_fn *csum);

/* The fields of an IPv4 header that differ between packets of a flow. */
static inline uint16_t
dco_ip4_own_sum(const uint8_t *ip)
{
    return dco_csum_add(dco_csum_add(dco_read16(ip + DCO_IP4_TOTAL), dco_read16(ip + DCO_IP4_ID)),
                        dco_read16(ip + DCO_IP4_CHECKSUM));
}

/* Whether the checksums of s are right. s follows f, and f is verified: what their headers have in
 * common is not summed again. */
static inline bool
dco_super_verify_next(const struct dco_super *f, const struct dco_candidate *s, dco_csum_fn *csum)
{
    uint32_t l4_len = s->len - s->l4;
    uint16_t sum = dco_csum_add(f->pseudo, (uint16_t)l4_len);

    if (s->inner->version == 4 && dco_csum_add(f->ip_sum, dco_ip4_own_sum(s->pkt)) != 0xffff)
        return false;
    return dco_csum_add(sum, csum(s->pkt + s->l4, l4_len)) == 0xffff;
}

/* Makes one packet of several for the stack: writes lengths and flags into the first header, the
 * sum of the pseudo header in place of the checksum, and in f->vnet how to cut it again. */
void dco_super_finish(struct dco_super *f);

#endif
