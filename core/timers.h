/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keepalives that are due and peers that have been silent for too long.
 */
#ifndef DCO_TIMERS_H
#define DCO_TIMERS_H

#include "peers.h"

/* Timers run this much late at most: however many peers there are, and however often it is called,
 * dco_peers_tick() looks at all of them once per grain. */
#define DCO_TIMER_GRAIN_NS 100000000ULL

/* Removes every peer whose timeout has passed (EXPIRED) and fills due[] with at most max peers that
 * owe a keepalive, a reference on each (dco_peer_put() when sent). The caller calls again at once
 * while the return value is max; their time of the last packet sent is advanced so that they are
 * not returned twice. *next_ns: when to call again at the latest, UINT64_MAX for never; a command
 * that sets timers or installs a key may ask for an earlier call. now_ns: never runs backwards.
 * Takes the control lock. */
unsigned dco_peers_tick(struct dco_peers *p, uint64_t now_ns, struct dco_peer **due, unsigned max,
                        uint64_t *next_ns);

#endif
