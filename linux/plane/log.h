/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines in openvpn's own log, wherever that goes: standard error (or what --log made of it), or
 * syslog once openvpn called openlog(). Any thread; one line per call, "opendco: " in front. Never
 * call it per packet.
 */
#ifndef DCO_LINUX_LOG_H
#define DCO_LINUX_LOG_H

#include <stdbool.h>

enum dco_log_level {
    DCO_LOG_ERROR,
    DCO_LOG_WARN,
    DCO_LOG_INFO,
    DCO_LOG_DEBUG,
};

/* level: lines above it are not written. Default: info. */
void dco_log_set_level(enum dco_log_level level);
/* openvpn writes to syslog from now on. */
void dco_log_use_syslog(void);
/* What descriptor 2 is now is standard error; if it is closed, nothing is. Lines go there while it
 * is that file and nowhere otherwise, because a number that was closed may be anything next. Before
 * the first call whatever has the number is. Not from a thread of the plane. */
void dco_log_stderr(void);
/* openvpn's lines carry no time (--suppress-timestamps). */
void dco_log_suppress_time(bool suppress);

void dco_log(enum dco_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
