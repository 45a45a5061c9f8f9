/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the one program that runs under callgrind, which maps memory whenever it likes: workers
 * without their system call filter.
 */
#include "linux/plane/internal.h"

int
sandbox_enter_worker(void)
{
    return 0;
}

int
sandbox_drop_capabilities(void)
{
    return 0;
}
