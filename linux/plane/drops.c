/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/drops.h"

#include <string.h>

#include "linux/plane/dev_private.h"

/* Of the process: counters that belong to no device. */
static struct {
    struct dco_drops keepalives; /* atomic; written by housekeeping */
    struct dco_drops retired;    /* plane_devs_lock(); sums of devices that are gone */
} drops_of_process;

static void
drops_add(struct dco_drops *sum, const struct dco_drops *more)
{
    for (unsigned r = 0; r < DCO_DROP_COUNT; r++)
        sum->count[r] += dco_load(&more->count[r]);
}

void
drops_count_keepalive(enum dco_drop reason)
{
    drops_count(&drops_of_process.keepalives, reason, 1);
}

static void
drops_add_dev(struct dco_drops *sum, const struct plane_dev *dev)
{
    for (unsigned i = 0; i < dev->workers; i++)
        drops_add(sum, &dev->drops[i]);
}

void
plane_dev_drops(const struct plane_dev *dev, struct dco_drops *sum)
{
    memset(sum, 0, sizeof(*sum));
    drops_add_dev(sum, dev);
}

void
plane_drops(struct dco_drops *sum)
{
    *sum = drops_of_process.retired;
    drops_add(sum, &drops_of_process.keepalives);
    for (const struct plane_dev *d = plane_dev_next(NULL); d != NULL; d = plane_dev_next(d))
        drops_add_dev(sum, d);
}

void
drops_retire(const struct plane_dev *dev)
{
    plane_devs_lock();
    drops_add_dev(&drops_of_process.retired, dev);
    plane_devs_unlock();
}
