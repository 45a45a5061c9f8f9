/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/state.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "linux/openvpn/state_set.h"
#include "linux/sys/log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;                /* a leaf */
static const char *active;                                              /* lock; NULL: not */
static char why[256] = "the process has not asked for a DCO interface"; /* lock */

bool
offload_state(char *reason, size_t size, const char **abi)
{
    bool now;

    pthread_mutex_lock(&lock);
    *abi = active;
    now = active != NULL;
    if (size)
        snprintf(reason, size, "%s", now ? "" : why);
    pthread_mutex_unlock(&lock);
    return now;
}

void
offload_state_active(const char *abi)
{
    pthread_mutex_lock(&lock);
    active = abi;
    why[0] = '\0';
    pthread_mutex_unlock(&lock);
}

void
offload_state_inactive(const char *reason)
{
    bool news;

    pthread_mutex_lock(&lock);
    news = active || strncmp(why, reason, sizeof(why) - 1) != 0;
    active = NULL;
    snprintf(why, sizeof(why), "%s", reason);
    pthread_mutex_unlock(&lock);
    if (news)
        log_line(LOG_LEVEL_WARN, "offload is not active: %s", reason);
}
