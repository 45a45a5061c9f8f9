/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of each kind of vfd. Each table is defined in the file of its kind. */
#ifndef DCO_PRELOAD_VFD_KINDS_H
#define DCO_PRELOAD_VFD_KINDS_H

#include "linux/preload/vfd.h"

extern const struct vfd_ops udp_ops, tcp_ops, genl_ops, rtnl_ops;

#endif
