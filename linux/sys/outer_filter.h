/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system call filter under which the process was started: SystemCallFilter= of its service, or
 * a container's. Such a filter may end the process at a call that openvpn itself never makes. This
 * module finds those calls and survives.
 *
 * Only calls that the plane can do without are asked about. Each of them is in the list in
 * outer_filter.c.
 */
#ifndef DCO_SYS_OUTER_FILTER_H
#define DCO_SYS_OUTER_FILTER_H

#include <stdbool.h>

/* Tries the calls, and writes a line to the log if the filter ends a process at one of them. Once
 * per process, before any of our threads runs. openvpn's thread. */
void outer_filter_probe(void);

/* Whether the filter ends the process at this call (SYS_*), so that it must not be made. Any
 * thread. False before the probe, and for calls that are not in the list. */
bool outer_filter_kills(long call);

#endif
