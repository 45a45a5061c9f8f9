/* SPDX-License-Identifier: BSD-2-Clause */
/* This process's devices, sockets, ciphers and clock, as linux/netlink uses them. */
#ifndef DCO_PRELOAD_FAMILY_OPS_H
#define DCO_PRELOAD_FAMILY_OPS_H

#include "linux/netlink/family_ops.h"

/* Its functions are called with the preload lock held. */
extern const struct nl_ops family_ops;

#endif
