/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits TCP segments to the path of a peer and to openvpn's mssfix. The plane clamps the MSS of
 * SYNs in both directions, because the netlink families do not carry mssfix.
 */
#ifndef DCO_PLANE_MSS_H
#define DCO_PLANE_MSS_H

#include "core/inner.h"
#include "core/ip.h"
#include "core/peer.h"
#include "linux/plane/dev.h"

/* mss: as in struct settings. Call before the first worker starts. */
void mss_configure(int mss);

/* openvpn's mssfix, for all devices of the process. It counts where the setting is "auto": then the
 * smaller of mssfix and the path wins. openvpn's thread. */
void mss_fix(struct plane_mssfix mssfix);

/* Lowers the MSS option of a SYN if it is larger than the path allows. Workers. */
void mss_clamp_syn(struct dco_peer *peer, uint8_t *pkt, size_t len, const struct dco_inner *inner);

static inline bool
mss_is_syn(const uint8_t *pkt, size_t len, const struct dco_inner *inner)
{
    return inner->protocol == DCO_PROTO_TCP && inner->l4 != 0 && inner->l4 + DCO_TCP_FLAGS < len &&
           (pkt[inner->l4 + DCO_TCP_FLAGS] & DCO_TCP_SYN) != 0;
}

/* The same for any packet, without a function call unless it is a SYN. */
static inline void
mss_clamp_for(struct dco_peer *peer, uint8_t *pkt, size_t len, const struct dco_inner *inner)
{
    if (mss_is_syn(pkt, len, inner))
        mss_clamp_syn(peer, pkt, len, inner);
}

#endif
