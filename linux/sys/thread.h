/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our own threads inside openvpn's process. All signals are blocked in them, because openvpn's
 * handlers must run on openvpn's thread. The caller joins the thread.
 */
#ifndef DCO_SYS_THREAD_H
#define DCO_SYS_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* name: as ps(1) shows it, at most 15 characters. 0 or -errno. */
int thread_start(pthread_t *thread, const char *name, size_t stack_bytes, void *(*run)(void *),
                 void *arg);

/* on_start is called first in each thread. The preload layer uses it to mark the thread, so that
 * calls which libraries make on it are not taken for openvpn's. A program defines the constant, or
 * gets an empty one. */
struct thread_hooks {
    void (*on_start)(void);
};
extern const struct thread_hooks thread_hooks;

#endif
