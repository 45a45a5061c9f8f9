/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our own threads inside openvpn's process. All signals are blocked in them, because openvpn's
 * handlers must run on openvpn's thread. The caller joins the thread.
 */
#ifndef DCO_SYS_THREAD_H
#define DCO_SYS_THREAD_H

#include <pthread.h>
#include <stddef.h>

#include "linux/sys/setting_rules.h"

/* The numbers of the threads. That of a worker is its index, below SETTINGS_WORKERS_MAX. */
enum {
    THREAD_HOUSEKEEPING = SETTINGS_WORKERS_MAX,
    THREAD_STATUS,
    THREADS,                /* how many there may be */
    THREAD_PROBE = THREADS, /* limits.c: ends at once, any number of them */
};

/* The name of the thread as ps(1) shows it, at most 15 characters. */
void thread_name(unsigned number, char *name, size_t size);

/* Starts the thread of that number under its name. 0 or -errno. */
int thread_start(pthread_t *thread, unsigned number, size_t stack_bytes, void *(*run)(void *),
                 void *arg);

/* on_start is called first in each thread. The preload layer uses it to mark the thread, so that
 * calls which libraries make on it are not taken for openvpn's. A program defines the constant, or
 * gets an empty one. */
struct thread_hooks {
    void (*on_start)(void);
};
extern const struct thread_hooks thread_hooks;

#endif
