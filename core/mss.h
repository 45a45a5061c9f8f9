/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowers the MSS option of TCP SYNs to what fits through the tunnel.
 */
#ifndef DCO_MSS_H
#define DCO_MSS_H

#include "inner.h"

/* room: the largest inner packet in bytes; the option becomes at most room - 40 (IPv4) or room - 60
 * (IPv6). The checksum is updated incrementally, so it must be complete (dco_segment_plan() comes
 * first). Returns true if the packet was changed. Packets other than SYNs are left alone. */
bool dco_mss_clamp(uint8_t *pkt, size_t len, const struct dco_inner *inner, uint16_t room);

#endif
