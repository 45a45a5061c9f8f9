/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the log as an administrator or the journal reads them, whatever was put into them. If
 * this failed, the line that says why offload is off would be missing, or a name from outside could
 * forge lines.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "linux/plane/internal.h"
#include "linux/sys/log.h"

static int saved = -1, pipe_in = -1;

/* Standard error becomes a pipe. */
static void
capture(void)
{
    int fd[2];

    check(pipe(fd) == 0);
    saved = dup(STDERR_FILENO);
    dup2(fd[1], STDERR_FILENO);
    close(fd[1]);
    pipe_in = fd[0];
}

static const char *
captured(void)
{
    static char text[8192];
    ssize_t len;

    dup2(saved, STDERR_FILENO);
    close(saved);
    len = read(pipe_in, text, sizeof(text) - 1);
    close(pipe_in);
    text[len < 0 ? 0 : len] = '\0';
    return text;
}

static void
test_time(void)
{
    const char *line;
    int year, month, day, hour, minute, second, rest = 0;

    capture();
    log_line(LOG_LEVEL_INFO, "device %s", "tun0");
    line = captured();
    check_equal(sscanf(line, "%4d-%2d-%2d %2d:%2d:%2d %n", &year, &month, &day, &hour, &minute,
                       &second, &rest),
                6);
    check(year >= 2024 && month <= 12 && hour < 24);
    check(strcmp(line + rest, "opendco: device tun0\n") == 0);
    log_suppress_time(true);
    capture();
    log_line(LOG_LEVEL_ERROR, "x");
    check(strcmp(captured(), "opendco: x\n") == 0);
    log_suppress_time(false);
}

static void
test_journal(void)
{
    struct stat st;
    char stream[64];

    capture();
    check(fstat(STDERR_FILENO, &st) == 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_line(LOG_LEVEL_WARN, "w");
    log_line(LOG_LEVEL_ERROR, "e");
    check(strcmp(captured(), "<4>opendco: w\n<3>opendco: e\n") == 0);
    log_suppress_time(true);
    capture(); /* another pipe: --log */
    log_line(LOG_LEVEL_INFO, "elsewhere");
    check(strcmp(captured(), "opendco: elsewhere\n") == 0);
    setenv("JOURNAL_STREAM", "nonsense", 1);
    capture();
    log_line(LOG_LEVEL_INFO, "x");
    check(strcmp(captured(), "opendco: x\n") == 0);
    unsetenv("JOURNAL_STREAM");
}

static void
test_level(void)
{
    capture();
    log_line(LOG_LEVEL_DEBUG, "no");
    log_set_level(LOG_LEVEL_ERROR);
    log_line(LOG_LEVEL_WARN, "no");
    log_line(LOG_LEVEL_ERROR, "yes");
    log_set_level(LOG_LEVEL_DEBUG);
    log_line(LOG_LEVEL_DEBUG, "yes, too");
    log_set_level(LOG_LEVEL_INFO);
    check(strcmp(captured(), "opendco: yes\nopendco: yes, too\n") == 0);
}

static void
test_content(void)
{
    char longest[5000];
    const char *line;

    capture();
    log_line(LOG_LEVEL_INFO, "%s", "a\nopendco: forged\x1b[31m\x7f\xc3\xa4");
    check(strcmp(captured(), "opendco: a?opendco: forged?[31m?\xc3\xa4\n") == 0);
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    capture();
    log_line(LOG_LEVEL_INFO, "%s", longest);
    line = captured();
    check(strlen(line) > 500 && strlen(line) < 1100);
    check(line[strlen(line) - 1] == '\n');
}

/* Nobody reads: no signal, no wait. */
static void
test_closed(void)
{
    int fd = dup(STDERR_FILENO);

    close(STDERR_FILENO);
    log_line(LOG_LEVEL_ERROR, "into the void");
    dup2(fd, STDERR_FILENO);
    close(fd);
}

/* What has the number of standard error is something else by now. */
static void
test_not_stderr(void)
{
    log_suppress_time(true);
    capture();
    log_stderr();
    log_line(LOG_LEVEL_ERROR, "here");
    check(strcmp(captured(), "opendco: here\n") == 0);
    capture();
    log_line(LOG_LEVEL_ERROR, "not into a stranger's file");
    log_stderr();
    log_line(LOG_LEVEL_ERROR, "which is ours now");
    check(strcmp(captured(), "opendco: which is ours now\n") == 0);
    capture();
    close(STDERR_FILENO);
    log_stderr(); /* there is none */
    check_equal(open("/dev/null", O_RDWR), STDERR_FILENO);
    dup2(saved, STDERR_FILENO);
    log_line(LOG_LEVEL_ERROR, "not ok - this must not be printed");
    log_stderr();
    check(strcmp(captured(), "") == 0);
    log_suppress_time(false);
}

/* A worker may write, though it may not look where to. */
static void *
log_in_sandbox(void *arg)
{
    (void)arg;
    check_equal(sandbox_enter(0), 0);
    log_line(LOG_LEVEL_WARN, "from a worker");
    return NULL;
}

static void
test_worker(void)
{
    struct stat st;
    char stream[64];
    pthread_t thread;

    capture();
    check(fstat(STDERR_FILENO, &st) == 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_line(LOG_LEVEL_INFO, "first");
    check(pthread_create(&thread, NULL, log_in_sandbox, NULL) == 0);
    pthread_join(thread, NULL);
    check(strcmp(captured(), "<6>opendco: first\n<4>opendco: from a worker\n") == 0);
    unsetenv("JOURNAL_STREAM");
}

static const struct test tests[] = {
    {"time stamps", test_time},
    {"the journal's prefix, and --log", test_journal},
    {"levels", test_level},
    {"a line stays a line", test_content},
    {"standard error is closed", test_closed},
    {"a worker's line", test_worker},
    {"number 2 is something else", test_not_stderr},
};

HARNESS_MAIN(tests)
