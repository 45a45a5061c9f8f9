/* SPDX-License-Identifier: BSD-2-Clause */
/* What the codecs in linux/abi need of this process: devices, sockets, ciphers, time. */
#ifndef DCO_PRELOAD_FAMILY_OPS_H
#define DCO_PRELOAD_FAMILY_OPS_H

#include "linux/netlink/family_ops.h"

/* Its functions are called with the vfd lock held. */
extern const struct nl_ops family_ops;

#endif
