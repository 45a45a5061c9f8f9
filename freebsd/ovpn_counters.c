/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_counters.h"

#include <sys/malloc.h>

void
ovpn_counters_init(struct ovpn_counters *counters)
{
    COUNTER_ARRAY_ALLOC(counters->traffic, OVPN_COUNTERS, M_WAITOK);
    COUNTER_ARRAY_ALLOC(counters->drops, OVPN_DROP_COUNT, M_WAITOK);
}

void
ovpn_counters_fini(struct ovpn_counters *counters)
{
    COUNTER_ARRAY_FREE(counters->traffic, OVPN_COUNTERS);
    COUNTER_ARRAY_FREE(counters->drops, OVPN_DROP_COUNT);
}
