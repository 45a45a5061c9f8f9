/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/doorway/kinds.h"

const struct door_ops *const door_kinds[DOOR_KINDS] = {
    [DOOR_UDP] = &udp_ops,
    [DOOR_GENL] = &genl_ops,
    [DOOR_RTNL] = &rtnl_ops,
};
