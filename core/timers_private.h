/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands tell the timers. For core/ and its tests only.
 */
#ifndef DCO_TIMERS_PRIVATE_H
#define DCO_TIMERS_PRIVATE_H

#include "timers.h"

/* Control lock. After a change to what the timers of peer depend on. */
void dco_timers_changed(struct dco_peers *p, const struct dco_peer *peer);

/* Control lock. When something of the peer falls due next, UINT64_MAX for never. */
uint64_t dco_timers_next(const struct dco_peer *peer);

#endif
