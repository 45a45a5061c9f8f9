/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/restart_timer.h"

#include <signal.h>
#include <time.h>

#include "linux/openvpn/offer.h"
#include "linux/sys/log.h"

static timer_t timer; /* while due */
static bool due;      /* atomic; changed with the vfd lock held */

bool
restart_applies(struct plane_dev *dev)
{
    return offer_is_openvpn() && dco_peers_mode(plane_dev_peers(dev)) == DCO_MODE_P2P;
}

bool
restart_timer_expired(void)
{
    return __atomic_load_n(&due, __ATOMIC_ACQUIRE);
}

/* The kernel keeps the time: no thread has to wake up for it, and no child inherits it. */
void
restart_timer_start(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec when = {.it_value.tv_sec = RESTART_TIMER_SECONDS};

    if (restart_timer_expired())
        return;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0) {
        log_line(LOG_LEVEL_WARN, "openvpn may miss that its peer is gone: no timer");
        return;
    }
    (void)timer_settime(timer, 0, &when, NULL);
    __atomic_store_n(&due, true, __ATOMIC_RELEASE);
}

void
restart_timer_cancel(void)
{
    if (!restart_timer_expired())
        return;
    (void)timer_delete(timer);
    __atomic_store_n(&due, false, __ATOMIC_RELEASE);
}
