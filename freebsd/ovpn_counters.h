/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The counters of an interface: outer traffic, and dropped packets by reason. All of them are
 * counter(9), so any thread may add to them without a lock. Inner packets and bytes are counted by
 * the ifnet, as those of any interface.
 */
#ifndef OVPN_COUNTERS_H
#define OVPN_COUNTERS_H

#include <sys/param.h>
#include <sys/counter.h>

#include "ovpn_drop.h"

enum ovpn_counter {
    OVPN_CTRL_IN,      /* datagrams left to openvpn */
    OVPN_TRANSPORT_IN, /* UDP datagrams, header included: bytes */
    OVPN_TRANSPORT_OUT,
    OVPN_COUNTERS,
};

struct ovpn_counters {
    counter_u64_t traffic[OVPN_COUNTERS];
    counter_u64_t drops[OVPN_DROP_COUNT]; /* added to by ovpn_drop() alone */
};

/* May sleep. */
void ovpn_counters_init(struct ovpn_counters *counters);
void ovpn_counters_fini(struct ovpn_counters *counters);

static inline void
ovpn_count(struct ovpn_counters *counters, enum ovpn_counter which, uint64_t n)
{
    counter_u64_add(counters->traffic[which], (int64_t)n);
}

static inline uint64_t
ovpn_counters_total(const struct ovpn_counters *counters, enum ovpn_counter which)
{
    return counter_u64_fetch(counters->traffic[which]);
}

/* Packets dropped for one reason, a number below OVPN_DROP_COUNT. */
static inline uint64_t
ovpn_counters_dropped(const struct ovpn_counters *counters, unsigned reason)
{
    return counter_u64_fetch(counters->drops[reason]);
}

#endif
