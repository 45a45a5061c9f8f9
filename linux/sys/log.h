/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines in openvpn's own log, wherever that goes: standard error (or what --log made of it), or
 * syslog once openvpn called openlog(). Any thread; one line per call, "opendco: " in front. Never
 * call it per packet.
 */
#ifndef DCO_SYS_LOG_H
#define DCO_SYS_LOG_H

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* level: lines above it are not written. Default: info. */
void log_set_level(enum log_level level);
/* openvpn writes to syslog from now on. */
void log_use_syslog(void);
/* What descriptor 2 is now is standard error; if it is closed, nothing is. Lines go there while it
 * is that file and nowhere otherwise, because a number that was closed may be anything next. Before
 * the first call whatever has the number is. Not from a thread of the plane. */
void log_stderr(void);
/* openvpn's lines carry no time (--suppress-timestamps). */
void log_suppress_time(bool suppress);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
