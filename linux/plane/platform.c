/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/platform.h"

#include <stdlib.h>
#include <string.h>

#include "linux/crypto/aead.h"
#include "linux/plane/events.h"
#include "linux/plane/grace.h"
#include "linux/plane/housekeeping.h"
#include "linux/plane/port.h"

/* The process has one plane, and so one heap, one set of workers and one housekeeping thread. None
 * of these functions needs its environment. */
#define UNUSED __attribute__((unused))

const struct dco_env plane_env;

void *
platform_alloc(size_t size)
{
    size_t rounded = (size + 63) & ~(size_t)63;
    void *p = aligned_alloc(64, rounded);

    if (p != NULL)
        memset(p, 0, rounded);
    return p;
}

void *
dco_env_alloc(const struct dco_env *env UNUSED, size_t size)
{
    return platform_alloc(size);
}

void
dco_env_free(const struct dco_env *env UNUSED, void *p, size_t size UNUSED)
{
    free(p);
}

void
dco_env_crypto_free(const struct dco_env *env UNUSED, void *crypto)
{
    aead_free(crypto);
}

void
dco_env_transport_put(const struct dco_env *env UNUSED, void *transport)
{
    plane_port_put(transport);
}

void
dco_env_wake(const struct dco_env *env UNUSED)
{
    events_raise();
    housekeeping_wake();
}

void
dco_env_defer(const struct dco_env *env UNUSED, struct dco_deferred *d)
{
    grace_defer(d);
}
