/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock of the module.
 */
#ifndef OVPN_CLOCK_H
#define OVPN_CLOCK_H

#include <sys/param.h>
#include <sys/time.h>

#include "../core/atomic.h"

/* Monotonic, in nanoseconds; as fine as the clock interrupt, which is enough for timers of seconds.
 */
static inline uint64_t
ovpn_now_ns(void)
{
    sbintime_t now = getsbinuptime();

    return (uint64_t)(now >> 32) * 1000000000ULL +
           (((uint64_t)(uint32_t)now * 1000000000ULL) >> 32);
}

/* Limits a line of the log to one a minute: true if it may be written now. *said_ns (atomic, at
 * first 0) holds the time of the last line. */
static inline bool
ovpn_may_say(uint64_t *said_ns)
{
    uint64_t now = ovpn_now_ns(), last = dco_load(said_ns);

    return (last == 0 || now - last >= 60000000000ULL) && dco_cas(said_ns, &last, now);
}

#endif
