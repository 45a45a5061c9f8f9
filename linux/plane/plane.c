/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/plane.h"

#include <errno.h>

#include "linux/plane/dev_private.h"
#include "linux/plane/mss.h"
#include "linux/plane/port_private.h"
#include "linux/plane/routes.h"
#include "linux/plane/threads.h"
#include "linux/plane/tun.h"
#include "linux/plane/workers.h"
#include "linux/sys/limits.h"
#include "linux/sys/outer_filter.h"

/* Descriptors of a worker besides the queues of the device: members of the port, an epoll set, an
 * eventfd and a netlink socket. */
#define WORKER_FILES 6U

void
plane_configure(const struct settings *settings)
{
    if (workers_count() != 0)
        return;
    workers_configure(settings->workers);
    mss_configure(settings->mss);
}

int
plane_prepare(void)
{
    unsigned workers;
    int err;

    outer_filter_probe();
    if (!limits_allow_threads())
        return -EAGAIN;
    workers = workers_decide();
    if (!limits_allow_files(workers * (WORKER_FILES + DEV_QUEUES_EACH)))
        return -EMFILE;
    err = tun_spares_open(dev_queues(workers));
    if (err == 0)
        err = routes_open();
    if (err < 0)
        tun_spares_close();
    return err;
}

unsigned
plane_worker_count(void)
{
    return workers_count();
}

/* The workers, and housekeeping for keepalives. */
unsigned
plane_key_threads(void)
{
    return workers_decide() + 1;
}

/* The child shares every open file description with the parent. A descriptor left open here would
 * keep the port and the device alive after openvpn has ended. */
void
plane_fork_child(void)
{
    port_fork_child();
    dev_fork_child();
    tun_spares_close();
    routes_fork_child();
}

void
plane_shutdown(void)
{
    struct plane_dev *dev;

    while ((dev = plane_dev_next(NULL)) != NULL)
        plane_dev_free(dev);
    threads_stop();
    tun_spares_close();
    routes_close();
}
