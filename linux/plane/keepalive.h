/* SPDX-License-Identifier: BSD-2-Clause */
/* Keepalives: one packet for each peer that is due. */
#ifndef DCO_PLANE_KEEPALIVE_H
#define DCO_PLANE_KEEPALIVE_H

#include "core/peer.h"

/* Seals and sends one keepalive to each peer, then releases the references. Housekeeping, inside
 * plane_devs_lock(). */
void keepalive_send(struct dco_peer **peers, unsigned n);

#endif
