/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How large a TCP segment towards a peer may be: the ABIs carry no mssfix, so the plane clamps the
 * MSS of SYNs in both directions to what one outer packet on the path to the peer holds.
 */
#ifndef DCO_PLANE_MSS_H
#define DCO_PLANE_MSS_H

#include "core/inner.h"
#include "core/ip.h"
#include "core/peer.h"

/* What the user set, see struct plane_config. Before the first worker starts. */
void mss_configure(int mss);

/* Lowers the MSS option of a SYN if it is larger than the path allows. Workers. */
void mss_clamp_syn(struct dco_peer *peer, uint8_t *pkt, size_t len, const struct dco_inner *inner);

static inline bool
mss_is_syn(const uint8_t *pkt, size_t len, const struct dco_inner *inner)
{
    return inner->protocol == DCO_PROTO_TCP && inner->l4 != 0 && inner->l4 + DCO_TCP_FLAGS < len &&
           (pkt[inner->l4 + DCO_TCP_FLAGS] & DCO_TCP_SYN) != 0;
}

/* The same for any packet: few are SYNs, and none else pays for a call. */
static inline void
mss_clamp_for(struct dco_peer *peer, uint8_t *pkt, size_t len, const struct dco_inner *inner)
{
    if (mss_is_syn(pkt, len, inner))
        mss_clamp_syn(peer, pkt, len, inner);
}

#endif
