/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device of the plane as the tests fill it in: peers and a name, but no queues, no threads and no
 * entry in the list of devices.
 */
#ifndef BARE_DEV_H
#define BARE_DEV_H

#include "linux/plane/dev_private.h"

struct plane_dev *bare_dev_new(const char *name, enum dco_mode mode, uint32_t ifindex);

/* Ends the peers and the routes of the device, and waits until both are freed. */
void bare_dev_free(struct plane_dev *dev);

#endif
