/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of ours inside openvpn's process. None takes a signal: openvpn's handlers belong on
 * openvpn's thread. The caller joins it.
 */
#ifndef DCO_SYS_THREAD_H
#define DCO_SYS_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* name: as ps(1) shows it, at most 15 characters. 0 or -errno. */
int thread_start(pthread_t *thread, const char *name, size_t stack_bytes, void *(*run)(void *),
                 void *arg);

/* Called first in each thread: what interposes the C library's functions is told that the calls
 * which libraries make on this thread are not openvpn's. Constant: a program defines it, or has the
 * empty one. */
struct thread_hooks {
    void (*on_start)(void);
};
extern const struct thread_hooks thread_hooks;

#endif
