/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/doorway/nudge.h"

#include <signal.h>
#include <time.h>

#include "linux/doorway/family.h"
#include "linux/plane/log.h"

static timer_t timer; /* while due */
static bool due;      /* atomic; changed with the door lock held */

bool
nudge_applies(struct plane_dev *dev)
{
    return family_is_openvpn() && plane_dev_peers(dev)->mode == DCO_MODE_P2P;
}

bool
nudge_due(void)
{
    return __atomic_load_n(&due, __ATOMIC_ACQUIRE);
}

/* The kernel keeps the time: no thread has to wake up for it, and no child inherits it. */
void
nudge_soon(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec when = {.it_value.tv_sec = NUDGE_SECONDS};

    if (nudge_due())
        return;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0) {
        dco_log(DCO_LOG_WARN, "openvpn may miss that its peer is gone: no timer");
        return;
    }
    (void)timer_settime(timer, 0, &when, NULL);
    __atomic_store_n(&due, true, __ATOMIC_RELEASE);
}

void
nudge_cancel(void)
{
    if (!nudge_due())
        return;
    (void)timer_delete(timer);
    __atomic_store_n(&due, false, __ATOMIC_RELEASE);
}
