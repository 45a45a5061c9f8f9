/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writers of the queue of events.h. For core/ and its tests only.
 */
#ifndef DCO_EVENTS_PRIVATE_H
#define DCO_EVENTS_PRIVATE_H

#include "events.h"

/* Control lock. kind: one of DCO_EVENT_*. Wakes the platform if the queue was empty. */
void dco_event_raise(struct dco_peers *p, struct dco_peer *peer, uint32_t kind);
/* Control lock. */
void dco_event_forget_all(struct dco_peers *p);

#endif
