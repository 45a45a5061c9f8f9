/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events on their way to openvpn, which asks on every turn of its loop whether one waits and then
 * fetches one at a time. Any number of events wait in the core, on the peers themselves; the softc
 * holds at most one, taken ahead, so that the answer to "does one wait" counts only events that
 * openvpn is told. The caller holds sc->ctl.
 */
#ifndef OVPN_NOTIFY_H
#define OVPN_NOTIFY_H

#include "ovpn_softc.h"

#include <sys/nv.h>

/* 0 or an errno; ENOENT: no event waits. */
int ovpn_cmd_poll(struct ovpn_softc *sc, nvlist_t *reply);
int ovpn_cmd_get_event(struct ovpn_softc *sc, nvlist_t *reply);
/* openvpn has received the event with this number: sc->event_number right after
 * ovpn_cmd_get_event() described it. */
void ovpn_event_fetched(struct ovpn_softc *sc, uint64_t number);
/* Forgets every event. */
void ovpn_events_flush(struct ovpn_softc *sc);

#endif
