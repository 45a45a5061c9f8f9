/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/workers.h"

#include <errno.h>
#include <string.h>

#include "core/atomic.h"
#include "linux/plane/worker.h"
#include "linux/sys/limits.h"
#include "linux/sys/log.h"

/* Of the process: its devices and ports share the threads. */
static struct {
    unsigned wanted; /* openvpn's thread; before n is decided */
    unsigned n;      /* atomic; 0: not decided; written by openvpn's thread */
    struct worker *worker[PLANE_WORKERS_MAX]; /* openvpn's thread, while no other thread runs */
} workers;

void
workers_configure(unsigned wanted)
{
    workers.wanted = wanted;
}

unsigned
workers_decide(void)
{
    if (workers.n == 0)
        dco_store(&workers.n, limits_workers(workers.wanted));
    return workers.n;
}

unsigned
workers_count(void)
{
    return dco_load(&workers.n);
}

struct worker *
workers_get(unsigned i)
{
    return workers.worker[i % workers.n];
}

void
workers_end(void)
{
    for (unsigned i = 0; i < workers.n; i++) {
        struct worker *w = workers.worker[i];

        workers.worker[i] = NULL;
        if (w != NULL)
            worker_free(w);
    }
}

/* The process may reach a limit on threads earlier than workers_decide() expected. It goes on with
 * the workers it has; one is enough. */
int
workers_start(void)
{
    for (unsigned i = 0; i < workers_decide(); i++) {
        workers.worker[i] = worker_new(i);
        if (workers.worker[i] != NULL)
            continue;
        if (i == 0)
            return -errno;
        log_line(LOG_LEVEL_WARN, "only %u of %u workers could be started: %s", i, workers.n,
                 strerror(errno));
        dco_store(&workers.n, i);
    }
    return 0;
}

void
workers_pass(void)
{
    for (unsigned i = 0; i < workers.n; i++) {
        if (workers.worker[i] == NULL)
            continue;
        worker_enter(workers.worker[i]);
        worker_leave(workers.worker[i]);
    }
}

void
workers_hold(void)
{
    for (unsigned i = 0; i < workers.n; i++)
        if (workers.worker[i] != NULL)
            worker_enter(workers.worker[i]);
}

void
workers_resume(void)
{
    for (unsigned i = workers.n; i-- > 0;)
        if (workers.worker[i] != NULL)
            worker_leave(workers.worker[i]);
}
