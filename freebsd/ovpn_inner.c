/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_inner.h"

#define FIXED_HEADERS 40 /* bytes; IPv6, or IPv4 and more */

/* The parser reads fixed headers only, so these bytes must be contiguous. */
struct mbuf *
ovpn_inner_parse(struct mbuf *m, struct dco_inner *inner)
{
    int want = MIN(m->m_pkthdr.len, FIXED_HEADERS);

    if (m->m_len < want) {
        m = m_pullup(m, want);
        if (m == NULL)
            return NULL;
    }
    if (!dco_inner_parse(mtod(m, const uint8_t *), (size_t)m->m_pkthdr.len, inner))
        inner->version = 0;
    return m;
}
