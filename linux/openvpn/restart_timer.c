/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/restart_timer.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "core/atomic.h"
#include "linux/openvpn/offer.h"
#include "linux/sys/log.h"

/* One per process: the signal goes to the process. */
static struct {
    timer_t id; /* preload lock; valid while due */
    bool due;   /* atomic; written with the preload lock held */
} timer;

bool
restart_timer_applies(struct plane_dev *dev)
{
    return offer_is_openvpn() && dco_peers_mode(plane_dev_peers(dev)) == DCO_MODE_P2P;
}

bool
restart_timer_due(void)
{
    return dco_load_acquire(&timer.due);
}

/* A timer of the kernel needs no thread that waits for it, and no child inherits it. */
void
restart_timer_start(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec when = {.it_value.tv_sec = RESTART_TIMER_SECONDS};

    if (restart_timer_due())
        return;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer.id) < 0) {
        log_line(LOG_LEVEL_WARN,
                 "no timer (%s): openvpn may not notice that its peer is gone; restart it if the "
                 "tunnel stays silent",
                 strerror(errno));
        return;
    }
    (void)timer_settime(timer.id, 0, &when, NULL);
    dco_store_release(&timer.due, true);
}

void
restart_timer_cancel(void)
{
    if (!restart_timer_due())
        return;
    (void)timer_delete(timer.id);
    dco_store_release(&timer.due, false);
}
