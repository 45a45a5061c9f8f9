/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keepalives that are due, and the removal of peers that were silent for too long.
 */
#ifndef DCO_TIMERS_H
#define DCO_TIMERS_H

#include "peers.h"

/* The most by which a timer runs late: dco_peers_tick() visits all peers once in this time at most,
 * however often it is called. */
#define DCO_TIMER_GRAIN_NS 100000000ULL

/* Removes every peer whose timeout has passed (EXPIRED), ends retired keys, and fills due[] with at
 * most max peers that must send a keepalive, with a reference on each (dco_peer_put() when sent).
 * Counts the keepalives as sent, so no peer is returned twice. If the result is max, the caller
 * calls again at once. *next_ns: when to call again at the latest, UINT64_MAX for never; a command
 * that sets timers, installs a key or deletes one may ask for an earlier call. now_ns: never runs
 * backwards. Takes the control lock. */
unsigned dco_peers_tick(struct dco_peers *p, uint64_t now_ns, struct dco_peer **due, unsigned max,
                        uint64_t *next_ns);

#endif
