/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads without their system call filter, for the program that runs under callgrind: callgrind
 * maps memory at any time.
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
