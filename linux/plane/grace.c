/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/grace.h"

#include <pthread.h>

#include "linux/plane/housekeeping.h"
#include "linux/plane/workers.h"

/* Of the process, like the workers. */
static struct {
    pthread_mutex_t list_lock;
    struct dco_deferred *list;   /* list_lock */
    pthread_mutex_t period_lock; /* one grace period at a time */
} grace = {.list_lock = PTHREAD_MUTEX_INITIALIZER, .period_lock = PTHREAD_MUTEX_INITIALIZER};

void
grace_defer(struct dco_deferred *d)
{
    pthread_mutex_lock(&grace.list_lock);
    d->next = grace.list;
    grace.list = d;
    pthread_mutex_unlock(&grace.list_lock);
    housekeeping_wake();
}

static struct dco_deferred *
take_all(void)
{
    struct dco_deferred *d;

    pthread_mutex_lock(&grace.list_lock);
    d = grace.list;
    grace.list = NULL;
    pthread_mutex_unlock(&grace.list_lock);
    return d;
}

/* Running one may defer another (a peer gives up its keys), so this repeats until none is left. */
void
grace_synchronize(void)
{
    struct dco_deferred *d;

    pthread_mutex_lock(&grace.period_lock);
    while ((d = take_all()) != NULL) {
        workers_pass();
        while (d != NULL) {
            struct dco_deferred *next = d->next;

            dco_deferred_run(d);
            d = next;
        }
    }
    pthread_mutex_unlock(&grace.period_lock);
}
