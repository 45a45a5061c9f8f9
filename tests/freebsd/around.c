/* SPDX-License-Identifier: BSD-2-Clause */
/* Each test finds the module loaded into a fresh kernel, and is told what it left behind. */
#include "harness.h"
#include "world.h"

__attribute__((constructor)) static void
in_a_world(void)
{
    test_around(world_start, world_stop);
}
