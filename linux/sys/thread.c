/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((weak)) const struct thread_hooks thread_hooks = {NULL};

void
thread_name(unsigned number, char *name, size_t size)
{
    static const char *const names[] = {
        [THREAD_HOUSEKEEPING] = "opendco-house",
        [THREAD_STATUS] = "opendco-status",
        [THREAD_PROBE] = "opendco-try",
    };

    if (number < SETTINGS_WORKERS_MAX)
        snprintf(name, size, "opendco/%u", number);
    else
        snprintf(name, size, "%s", names[number]);
}

struct start {
    void *(*run)(void *);
    void *arg;
};

static void *
begin(void *arg)
{
    struct start start = *(struct start *)arg;

    free(arg);
    if (thread_hooks.on_start != NULL)
        thread_hooks.on_start();
    return start.run(start.arg);
}

/* The thread inherits the signal mask of its creator, so all signals are blocked meanwhile. */
static int
create(pthread_t *thread, size_t stack_bytes, struct start *start)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int err = pthread_attr_init(&attr);

    if (err != 0)
        return err;
    (void)pthread_attr_setstacksize(&attr, stack_bytes);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(thread, &attr, begin, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return err;
}

int
thread_start(pthread_t *thread, unsigned number, size_t stack_bytes, void *(*run)(void *),
             void *arg)
{
    struct start *start = malloc(sizeof(*start));
    char name[16];
    int err;

    if (start == NULL)
        return -ENOMEM;
    *start = (struct start){run, arg};
    err = create(thread, stack_bytes, start);
    if (err != 0) {
        free(start);
        return -err;
    }
    thread_name(number, name, sizeof(name));
    (void)pthread_setname_np(*thread, name);
    return 0;
}
