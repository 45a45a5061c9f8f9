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
#include "linux/sys/calls.h"
#include "linux/sys/log.h"

#define LINE_MAX_LEN 1024

static int log_level = LOG_LEVEL_INFO; /* atomic */
static bool to_syslog;                 /* atomic */
static bool no_time;                   /* atomic */

/* Which file standard error is. */
static bool known;        /* atomic; it was told: */
static uint64_t dev, ino; /* atomic; both 0: none */
/* What number 2 was when somebody last looked: the log's threads may not be allowed to. */
static bool is_stderr = true; /* atomic */
static bool is_journal;       /* atomic */

static const int priorities[] = {
    [LOG_LEVEL_ERROR] = LOG_ERR,
    [LOG_LEVEL_WARN] = LOG_WARNING,
    [LOG_LEVEL_INFO] = LOG_INFO,
    [LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

void
log_set_level(enum log_level level)
{
    dco_store(&log_level, (int)level);
}

void
log_use_syslog(void)
{
    dco_store(&to_syslog, true);
}

void
log_stderr(void)
{
    struct stat st = {0};

    (void)fstat(STDERR_FILENO, &st);
    dco_store(&dev, (uint64_t)st.st_dev);
    dco_store(&ino, (uint64_t)st.st_ino);
    dco_store(&known, true);
}

void
log_suppress_time(bool suppress)
{
    dco_store(&no_time, suppress);
}

/* JOURNAL_STREAM holds device and inode of the journal's stream: openvpn may have pointed standard
 * error elsewhere since (--log). */
static bool
journal_is(const struct stat *st)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long stream_dev, stream_ino;

    return stream != NULL && sscanf(stream, "%llu:%llu", &stream_dev, &stream_ino) == 2 &&
           st->st_dev == stream_dev && st->st_ino == stream_ino;
}

static void
look_at_stderr(void)
{
    struct stat st = {0};

    if (fstat(STDERR_FILENO, &st) < 0 && errno != EBADF)
        return;
    dco_store(&is_journal, journal_is(&st));
    dco_store(&is_stderr, !dco_load(&known) || (st.st_ino != 0 && st.st_dev == dco_load(&dev) &&
                                                st.st_ino == dco_load(&ino)));
}

static size_t
put_prefix(char *line, size_t size, enum log_level level)
{
    time_t now = time(NULL);
    struct tm tm;
    int len = 0;

    if (dco_load(&is_journal)) {
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
log_line(enum log_level level, const char *format, ...)
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
    look_at_stderr();
    if (!dco_load(&is_stderr))
        return;

    struct iovec iov[4] = {
        {.iov_base = prefix, .iov_len = put_prefix(prefix, sizeof(prefix), level)},
        {.iov_base = "opendco: ", .iov_len = 9},
        {.iov_base = text, .iov_len = strlen(text)},
        {.iov_base = "\n", .iov_len = 1},
    };
    ssize_t written = sys()->writev(STDERR_FILENO, iov, 4);

    (void)written; /* nobody is left to be told */
}
