/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes lines into openvpn's own log: to standard error, which --log may have redirected, or to
 * syslog after openvpn called openlog(). Each call writes one line that begins with "opendco: ".
 * Any thread. Never call it per packet.
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

/* Lines of a higher level are not written. The default is info. */
void log_set_level(enum log_level level);
/* openvpn writes to syslog from now on, and so does the log. */
void log_use_syslog(void);
/* Remembers which file descriptor 2 is now, or that it is closed. From then on lines are written
 * only while descriptor 2 is that file: after a close() the process may open any other file with
 * this number. Before the first call lines go to descriptor 2 unconditionally. Not on a thread of
 * the plane. */
void log_stderr(void);
/* Whether lines carry no time, as openvpn's with --suppress-timestamps. */
void log_suppress_time(bool suppress);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
