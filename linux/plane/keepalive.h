/* SPDX-License-Identifier: BSD-2-Clause */
/* Keepalives: one packet for each peer that is due. */
#ifndef DCO_PLANE_KEEPALIVE_H
#define DCO_PLANE_KEEPALIVE_H

#include "core/peer.h"

/* Seals and sends one keepalive for each peer; gives up the references. Housekeeping, with
 * plane_devs_lock() held. */
void keepalive_send(struct dco_peer **peers, unsigned n);

#endif
