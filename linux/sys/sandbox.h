/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls and capabilities that each of our threads keeps. thread: its number, as in
 * thread.h.
 */
#ifndef DCO_SYS_SANDBOX_H
#define DCO_SYS_SANDBOX_H

#include <stdbool.h>

#include "linux/sys/thread.h"

/* For the calling thread, in which every signal is blocked: gives up all capabilities except those
 * that a later set*id() of openvpn needs on every thread, and loads the seccomp filter for the task
 * of this thread. 0, or -errno after a line in the log; the thread may then run without a filter.
 */
int sandbox_enter(unsigned thread);
/* Call it when the thread ends. */
void sandbox_leave(unsigned thread);
/* Any thread. False if no such thread runs. *err: 0, or why the thread has no filter (-errno). */
bool sandbox_state(unsigned thread, int *err);

#endif
