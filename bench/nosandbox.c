/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the one program that runs under callgrind, which maps memory whenever it likes: threads
 * without their system call filter.
 */
#include "linux/sys/sandbox.h"

int
sandbox_enter(unsigned thread)
{
    (void)thread;
    return 0;
}

void
sandbox_leave(unsigned thread)
{
    (void)thread;
}
