/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/vfd_kinds.h"

const struct vfd_ops *const vfd_kinds[VFD_KINDS] = {
    [VFD_UDP] = &udp_ops,
    [VFD_TCP] = &tcp_ops,
    [VFD_GENL] = &genl_ops,
    [VFD_RTNL] = &rtnl_ops,
};
