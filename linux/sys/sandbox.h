/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls and capabilities that a thread of ours keeps. Threads are told apart by a
 * number: a worker's is its index, below SANDBOX_WORKERS_MAX.
 */
#ifndef DCO_SYS_SANDBOX_H
#define DCO_SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#define SANDBOX_WORKERS_MAX  16U
#define SANDBOX_HOUSEKEEPING SANDBOX_WORKERS_MAX
#define SANDBOX_STATUS       (SANDBOX_WORKERS_MAX + 1)
#define SANDBOX_THREADS      (SANDBOX_WORKERS_MAX + 2)

/* For the calling thread, whose creator has blocked every signal: gives up all capabilities but
 * those that a later set*id() of openvpn needs on every thread, and loads the seccomp filter for
 * what this thread does. 0, or -errno: a line is in the log, and the thread may go on without. */
int sandbox_enter(unsigned thread);
/* The thread ends. */
void sandbox_leave(unsigned thread);
/* Any thread. False: there is no such thread. *err: 0, or why it has no filter (-errno). */
bool sandbox_state(unsigned thread, int *err);
void sandbox_thread_name(unsigned thread, char *name, size_t size);

#endif
