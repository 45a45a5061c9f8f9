/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sums of dropped packets by reason (core/drop.h). Each worker counts into its own part of the
 * device, so the sums are those of a moment that may be a few packets ago.
 */
#ifndef DCO_PLANE_DROPS_H
#define DCO_PLANE_DROPS_H

#include "core/atomic.h"
#include "core/drop.h"

struct plane_dev;

/* What this device dropped, over all workers. Any thread for which the device stays. */
void plane_dev_drops(const struct plane_dev *dev, struct dco_drops *sum);
/* What the process dropped: all devices, those that are gone included, and housekeeping. Any
 * thread, inside plane_devs_lock(). */
void plane_drops(struct dco_drops *sum);

/* Inside the plane. */

/* Counts n packets into the caller's own counters, which only it writes. */
static inline void
drops_count(struct dco_drops *drops, enum dco_drop reason, uint64_t n)
{
    if (reason < DCO_DROP_COUNT)
        dco_store(&drops->count[reason], drops->count[reason] + n);
}

/* A keepalive that could not be sent. Housekeeping. */
void drops_count_keepalive(enum dco_drop reason);
/* Keeps what a device dropped that goes. openvpn's thread. */
void drops_retire(const struct plane_dev *dev);

#endif
