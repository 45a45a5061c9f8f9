/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/offload_state.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "linux/sys/log.h"

/* One per process: offload is active for openvpn as a whole or not at all. */
static struct {
    pthread_mutex_t lock; /* a leaf */
    const char *abi;      /* lock; NULL: not active */
    char reason[256];     /* lock; why not */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER,
           .reason = "the process has not asked for a DCO interface"};

bool
offload_state(char *reason, size_t size, const char **abi)
{
    pthread_mutex_lock(&state.lock);
    *abi = state.abi;
    if (size)
        snprintf(reason, size, "%s", state.abi != NULL ? "" : state.reason);
    pthread_mutex_unlock(&state.lock);
    return *abi != NULL;
}

void
offload_state_active(const char *abi)
{
    pthread_mutex_lock(&state.lock);
    state.abi = abi;
    state.reason[0] = '\0';
    pthread_mutex_unlock(&state.lock);
}

bool
offload_state_is_active(void)
{
    const char *abi;

    return offload_state(NULL, 0, &abi);
}

void
offload_state_offered(void)
{
    pthread_mutex_lock(&state.lock);
    if (state.abi == NULL)
        snprintf(state.reason, sizeof(state.reason), "openvpn has not made its device yet");
    pthread_mutex_unlock(&state.lock);
}

void
offload_state_inactive(const char *reason)
{
    bool news;

    pthread_mutex_lock(&state.lock);
    news = state.abi != NULL || strncmp(state.reason, reason, sizeof(state.reason) - 1) != 0;
    state.abi = NULL;
    snprintf(state.reason, sizeof(state.reason), "%s", reason);
    pthread_mutex_unlock(&state.lock);
    if (news)
        log_line(LOG_LEVEL_WARN, "offload is not active: %s", reason);
}
