/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls and capabilities that each of our threads keeps. A number names the thread; that
 * of a worker is its index, below SETTINGS_WORKERS_MAX.
 */
#ifndef DCO_SYS_SANDBOX_H
#define DCO_SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "linux/sys/setting_rules.h"

#define SANDBOX_HOUSEKEEPING SETTINGS_WORKERS_MAX
#define SANDBOX_STATUS       (SETTINGS_WORKERS_MAX + 1)
#define SANDBOX_THREADS      (SETTINGS_WORKERS_MAX + 2)

/* For the calling thread, in which every signal is blocked: gives up all capabilities except those
 * that a later set*id() of openvpn needs on every thread, and loads the seccomp filter for the task
 * of this thread. 0, or -errno after a line in the log; the thread may then run without a filter.
 */
int sandbox_enter(unsigned thread);
/* Call it when the thread ends. */
void sandbox_leave(unsigned thread);
/* Any thread. False if no such thread runs. *err: 0, or why the thread has no filter (-errno). */
bool sandbox_state(unsigned thread, int *err);
/* The name of a thread as ps(1) shows it, at most 15 characters. */
void sandbox_thread_name(unsigned thread, char *name, size_t size);

#endif
