/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How commands adjust the timers. For core/ and its tests only.
 */
#ifndef DCO_TIMERS_PRIVATE_H
#define DCO_TIMERS_PRIVATE_H

#include "timers.h"

/* Control lock. Call it after a change to the timers of peer or to its keys. */
void dco_timers_changed(struct dco_peers *p, const struct dco_peer *peer);

/* Control lock. When the next timer of the peer runs out, UINT64_MAX for never. */
uint64_t dco_timers_next(const struct dco_peer *peer);

#endif
