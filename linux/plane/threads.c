/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/threads.h"

#include <stdbool.h>

#include "linux/plane/grace.h"
#include "linux/plane/housekeeping.h"
#include "linux/plane/send.h"
#include "linux/plane/workers.h"

/* Of the process. openvpn's thread. */
static bool running;

/* The two probes come first, because workers may not make sockets. */
int
threads_start(void)
{
    int err;

    if (running)
        return 0;
    (void)send_gso_works();
    (void)send_segments_max();
    err = workers_start();
    if (err == 0)
        err = housekeeping_start();
    if (err < 0) {
        workers_end();
        return err;
    }
    running = true;
    return 0;
}

/* Housekeeping ends first: it may be waiting for a worker. */
void
threads_stop(void)
{
    if (!running)
        return;
    running = false;
    housekeeping_stop();
    grace_synchronize();
    workers_end();
}
