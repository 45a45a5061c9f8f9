/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines in the form of openvpn's own: a time stamp on standard error, none where openvpn writes
 * none (--suppress-timestamps) or where the journal adds its own; there the line gets the priority
 * prefix of sd-daemon(3) instead.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "core/atomic.h"
#include "linux/plane/internal.h"
#include "linux/plane/log.h"

#define LINE_MAX_LEN 1024

static int log_level = DCO_LOG_INFO; /* atomic */
static bool to_syslog;               /* atomic */
static bool no_time;                 /* atomic */

static const int priorities[] = {
    [DCO_LOG_ERROR] = LOG_ERR,
    [DCO_LOG_WARN] = LOG_WARNING,
    [DCO_LOG_INFO] = LOG_INFO,
    [DCO_LOG_DEBUG] = LOG_DEBUG,
};

void
dco_log_set_level(enum dco_log_level level)
{
    dco_store(&log_level, (int)level);
}

void
dco_log_use_syslog(void)
{
    dco_store(&to_syslog, true);
}

void
dco_log_suppress_time(bool suppress)
{
    dco_store(&no_time, suppress);
}

/* JOURNAL_STREAM holds device and inode of the journal's stream: openvpn may have pointed standard
 * error elsewhere since (--log). */
static bool
stderr_is_journal(void)
{
    static bool was; /* atomic; for workers, whose sandbox does not let them look */
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long dev, ino;
    struct stat st;

    if (stream == NULL || sscanf(stream, "%llu:%llu", &dev, &ino) != 2)
        return false;
    if (fstat(STDERR_FILENO, &st) == 0)
        dco_store(&was, st.st_dev == dev && st.st_ino == ino);
    return dco_load(&was);
}

static size_t
put_prefix(char *line, size_t size, enum dco_log_level level)
{
    time_t now = time(NULL);
    struct tm tm;
    int len = 0;

    if (stderr_is_journal()) {
        len = snprintf(line, size, "<%d>", priorities[level]);
    } else if (!dco_load(&no_time) && localtime_r(&now, &tm) != NULL) {
        len = (int)strftime(line, size, "%Y-%m-%d %H:%M:%S ", &tm);
    }
    return (size_t)len;
}

/* Names of devices and the like come from outside; a line stays a line. */
static void
clean(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

void
dco_log(enum dco_log_level level, const char *format, ...)
{
    char text[LINE_MAX_LEN], prefix[64];
    va_list ap;

    if ((int)level > dco_load(&log_level))
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    clean(text);
    if (dco_load(&to_syslog)) {
        syslog(priorities[level], "opendco: %s", text);
        return;
    }

    struct iovec iov[4] = {
        {.iov_base = prefix, .iov_len = put_prefix(prefix, sizeof(prefix), level)},
        {.iov_base = "opendco: ", .iov_len = 9},
        {.iov_base = text, .iov_len = strlen(text)},
        {.iov_base = "\n", .iov_len = 1},
    };
    ssize_t written = writev(STDERR_FILENO, iov, 4);

    (void)written; /* nobody is left to be told */
}
