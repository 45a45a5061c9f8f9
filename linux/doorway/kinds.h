/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of each kind of door; defined in the file of the kind. */
#ifndef DCO_DOORWAY_KINDS_H
#define DCO_DOORWAY_KINDS_H

#include "linux/doorway/door.h"

extern const struct door_ops udp_ops, genl_ops, rtnl_ops;

#endif
