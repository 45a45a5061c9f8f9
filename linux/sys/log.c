/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines look like openvpn's own. On standard error they begin with the time, unless openvpn's have
 * none (--suppress-timestamps). If standard error is the journal, which adds the time itself, they
 * begin with the priority prefix of sd-daemon(3) instead.
 */
#include "linux/sys/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "core/atomic.h"
#include "linux/sys/calls.h"

#define LINE_MAX_LEN 1024

/* The log of the process. All fields are atomic. */
static struct {
    int level;
    bool to_syslog;
    bool no_time;

    /* The file that log_stderr() has seen at descriptor 2; dev and ino 0: it was closed. */
    bool file_known;
    uint64_t dev, ino;

    /* What descriptor 2 was at the last look. A thread that its filter keeps from looking uses the
     * last answer. */
    bool is_stderr;
    bool is_journal;
} state = {.level = LOG_LEVEL_INFO, .is_stderr = true};

static const int priorities[] = {
    [LOG_LEVEL_ERROR] = LOG_ERR,
    [LOG_LEVEL_WARN] = LOG_WARNING,
    [LOG_LEVEL_INFO] = LOG_INFO,
    [LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

void
log_set_level(enum log_level level)
{
    dco_store(&state.level, (int)level);
}

void
log_use_syslog(void)
{
    dco_store(&state.to_syslog, true);
}

void
log_stderr(void)
{
    struct stat st = {0};

    (void)fstat(STDERR_FILENO, &st);
    dco_store(&state.dev, (uint64_t)st.st_dev);
    dco_store(&state.ino, (uint64_t)st.st_ino);
    dco_store(&state.file_known, true);
}

void
log_suppress_time(bool suppress)
{
    dco_store(&state.no_time, suppress);
}

/* JOURNAL_STREAM holds the device and inode of the journal's stream. The comparison is needed
 * because openvpn may have redirected standard error since then (--log). */
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
    dco_store(&state.is_journal, journal_is(&st));
    dco_store(&state.is_stderr, !dco_load(&state.file_known) ||
                                    (st.st_ino != 0 && st.st_dev == dco_load(&state.dev) &&
                                     st.st_ino == dco_load(&state.ino)));
}

static size_t
prefix_fill(char *line, size_t size, enum log_level level)
{
    time_t now = time(NULL);
    struct tm tm;
    int len = 0;

    if (dco_load(&state.is_journal)) {
        len = snprintf(line, size, "<%d>", priorities[level]);
    } else if (!dco_load(&state.no_time) && localtime_r(&now, &tm) != NULL) {
        len = (int)strftime(line, size, "%Y-%m-%d %H:%M:%S ", &tm);
    }
    return (size_t)len;
}

/* The text may hold names from outside; control characters must not break the line. */
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

    if ((int)level > dco_load(&state.level))
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    clean(text);
    if (dco_load(&state.to_syslog)) {
        syslog(priorities[level], "opendco: %s", text);
        return;
    }
    look_at_stderr();
    if (!dco_load(&state.is_stderr))
        return;

    struct iovec iov[4] = {
        {.iov_base = prefix, .iov_len = prefix_fill(prefix, sizeof(prefix), level)},
        {.iov_base = "opendco: ", .iov_len = 9},
        {.iov_base = text, .iov_len = strlen(text)},
        {.iov_base = "\n", .iov_len = 1},
    };
    ssize_t written = sys()->writev(STDERR_FILENO, iov, 4);

    (void)written; /* there is nowhere to report a failure */
}
