/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/lock.h"

#include <errno.h>
#include <pthread.h>

#include "core/atomic.h"
#include "linux/preload/genl.h"

/* One per process: openvpn, its plugins and the plane call one preload layer. */
static struct {
    pthread_mutex_t mutex;
    bool notify_wanted; /* atomic */
} preload = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static __thread unsigned inside __attribute__((tls_model("initial-exec")));

void
preload_lock(void)
{
    pthread_mutex_lock(&preload.mutex);
    inside++;
}

/* The holder delivers the notifications that were wanted while it held the lock. If one is wanted
 * after the holder has looked and before it unlocks, preload_notify() may find the lock still
 * taken, so the flag is read again after the unlock. */
void
preload_unlock(void)
{
    int saved = errno;

    for (;;) {
        if (dco_exchange(&preload.notify_wanted, false))
            genl_events();
        inside--;
        pthread_mutex_unlock(&preload.mutex);
        if (!dco_load_acquire(&preload.notify_wanted) || pthread_mutex_trylock(&preload.mutex) != 0)
            break;
        inside++;
    }
    errno = saved;
}

void
preload_notify(void)
{
    dco_store_release(&preload.notify_wanted, true);
    if (pthread_mutex_trylock(&preload.mutex) != 0)
        return;
    inside++;
    preload_unlock();
}

bool
preload_inside(void)
{
    return inside > 0;
}

void
preload_enter(void)
{
    inside++;
}

void
preload_leave(void)
{
    inside--;
}

void
preload_lock_fork_child(void)
{
    pthread_mutex_init(&preload.mutex, NULL);
    preload.notify_wanted = false;
    inside = 0;
}
