/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sums of dropped packets by reason (core/drop.h). Each worker counts in its own part of the
 * device, so a sum may miss the packets of the current bursts.
 */
#ifndef DCO_PLANE_DROPS_H
#define DCO_PLANE_DROPS_H

#include "core/atomic.h"
#include "core/drop.h"

struct plane_dev;

/* Sums the drops of this device over all workers. Any thread for which the device stays. */
void plane_dev_drops(const struct plane_dev *dev, struct dco_drops *sum);
/* Sums the drops of the process: all devices, including those that are gone, and housekeeping. Any
 * thread, inside plane_devs_lock(). */
void plane_drops(struct dco_drops *sum);

/* Inside the plane. */

/* Counts n packets. Only the calling thread writes these counters. */
static inline void
drops_count(struct dco_drops *drops, enum dco_drop reason, uint64_t n)
{
    if (reason < DCO_DROP_COUNT)
        dco_store(&drops->count[reason], drops->count[reason] + n);
}

/* Counts a keepalive that could not be sent. Housekeeping. */
void drops_count_keepalive(enum dco_drop reason);
/* Adds the drops of a device that is about to go to those of the process. openvpn's thread. */
void drops_retire(const struct plane_dev *dev);

#endif
