/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events for openvpn: a peer is gone, has moved, or needs a new key. They are flags of the peers
 * (core/events.c), so none is lost; here is how whoever reports them learns that some wait.
 */
#ifndef DCO_PLANE_EVENTS_H
#define DCO_PLANE_EVENTS_H

#include "core/events.h"
#include "linux/plane/dev.h"

/* Constant: a program defines it, or has the one of this module, which is empty. Not a pointer that
 * is set at run time, because a stray write could change that. */
struct plane_hooks {
    void (*on_event)(void); /* NULL, or called by housekeeping, without any lock, whenever events
                               wait on some device */
};
extern const struct plane_hooks plane_hooks;

/* The next waiting event of any device; false if there is none. Any thread, one at a time. Also
 * keeps the translations of floated peers true, so take events only through this. */
bool plane_event_take(struct plane_dev **dev, struct dco_event *event);

/* Inside the plane. */

/* Some device may have events; housekeeping looks in its next turn. Any thread. */
void events_raise(void);
/* Calls plane_hooks.on_event if that was said. Housekeeping, without any lock. */
void events_dispatch(void);

#endif
