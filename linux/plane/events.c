/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/events.h"

#include "core/atomic.h"
#include "linux/plane/dev_private.h"
#include "linux/plane/float_nat.h"
#include "linux/plane/port_private.h"

__attribute__((weak)) const struct plane_hooks plane_hooks = {NULL};

static uint32_t raised; /* atomic; a flag for the whole process, which has one preload layer */

void
events_raise(void)
{
    dco_store_release(&raised, 1U);
}

void
events_dispatch(void)
{
    if (dco_exchange(&raised, 0U) != 0 && plane_hooks.on_event != NULL)
        plane_hooks.on_event();
}

/* openvpn is about to learn of the removal, so the translation of the peer ends. A new peer may
 * have the same id already; its translation stays. */
static void
forget_translation(struct plane_dev *dev, const struct dco_event *event)
{
    struct dco_peer_info next = {.transport = NULL};

    if (event->kind != DCO_EVENT_DEL)
        return;
    (void)dco_control_peer_get(dev->peers, event->peer_id, &next);
    for (struct plane_port *p = port_next(NULL); p != NULL; p = port_next(p))
        if (p != next.transport)
            float_nat_forget(p->float_nat, event->peer_id);
}

bool
plane_event_take(struct plane_dev **dev, struct dco_event *event)
{
    bool found = false;

    plane_devs_lock();
    for (struct plane_dev *d = plane_dev_next(NULL); d != NULL && !found; d = plane_dev_next(d)) {
        found = dco_event_take(d->peers, event);
        if (found)
            *dev = d;
    }
    if (found)
        forget_translation(*dev, event);
    plane_devs_unlock();
    return found;
}
