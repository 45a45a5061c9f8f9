/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How large a TCP segment towards a peer may be: the ABIs carry no mssfix, so the plane clamps the
 * MSS of SYNs in both directions to what one outer packet on the path to the peer holds.
 */
#ifndef DCO_LINUX_MSS_H
#define DCO_LINUX_MSS_H

#include "core/inner.h"
#include "core/peer.h"

/* What the user set, see struct plane_config. Before the first worker starts. */
void mss_configure(int mss);

/* Lowers the MSS option if pkt is a SYN and larger than the path allows. Workers. */
void mss_clamp_for(const struct dco_peer *peer, uint8_t *pkt, size_t len,
                   const struct dco_inner *inner);

#endif
