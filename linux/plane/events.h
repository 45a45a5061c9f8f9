/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events for openvpn: a peer is gone, has moved, or needs a new key. They are flags of the peers
 * (core/events.c), so none is lost. This module tells the preload layer that events wait.
 */
#ifndef DCO_PLANE_EVENTS_H
#define DCO_PLANE_EVENTS_H

#include "core/events.h"
#include "linux/plane/dev.h"

/* Constant: a program defines it, or gets the empty one of this module. It is not set at run time,
 * because a stray write could change a pointer in writable memory. */
struct plane_hooks {
    void (*on_event)(void); /* may be NULL; housekeeping calls it without any lock when events wait
                               on some device */
};
extern const struct plane_hooks plane_hooks;

/* Takes the next waiting event of any device; false if there is none. Any thread, one at a time. It
 * also updates the translations of floated peers, so take events only with this function. */
bool plane_event_take(struct plane_dev **dev, struct dco_event *event);

/* Inside the plane. */

/* Marks that some device may have events; housekeeping acts on it in its next turn. Any thread. */
void events_raise(void);
/* Calls plane_hooks.on_event if events_raise() was called. Housekeeping, without any lock. */
void events_dispatch(void);

#endif
