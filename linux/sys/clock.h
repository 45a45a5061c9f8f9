/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DCO_SYS_CLOCK_H
#define DCO_SYS_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds, the only clock of the library. Any thread. */
uint64_t clock_now_ns(void);

#endif
