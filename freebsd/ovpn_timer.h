/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keepalives and dead peers: one task per interface, woken when the core says that something falls
 * due. It runs in a thread, not in the clock interrupt, because thousands of peers may fall due at
 * once.
 */
#ifndef OVPN_TIMER_H
#define OVPN_TIMER_H

#include "ovpn_softc.h"

void ovpn_timer_init(struct ovpn_softc *sc);
/* The timers of a peer changed: look at them now. Any thread. */
void ovpn_timer_kick(struct ovpn_softc *sc);
/* Sleeps until the task has ended; it does not come again. */
void ovpn_timer_drain(struct ovpn_softc *sc);

#endif
