/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the log as an administrator or the journal reads them, with any text in them. If this
 * failed, the line with the reason for missing offload would be lost, or a name from outside could
 * forge lines.
 */
#include "linux/sys/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "linux/sys/sandbox.h"

static int saved = -1, pipe_in = -1;

/* Standard error becomes a pipe. */
static void
capture(void)
{
    int fd[2];

    CHECK(pipe(fd) == 0);
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

TEST("time stamps")
{
    const char *line;
    int year, month, day, hour, minute, second, rest = 0;

    capture();
    log_line(LOG_LEVEL_INFO, "device %s", "tun0");
    line = captured();
    CHECK_EQ(sscanf(line, "%4d-%2d-%2d %2d:%2d:%2d %n", &year, &month, &day, &hour, &minute,
                    &second, &rest),
             6);
    CHECK(year >= 2024 && month <= 12 && hour < 24);
    CHECK_STR(line + rest, "opendco: device tun0\n");
    log_suppress_time(true);
    capture();
    log_line(LOG_LEVEL_ERROR, "x");
    CHECK_STR(captured(), "opendco: x\n");
    log_suppress_time(false);
}

TEST("the journal's prefix, and --log")
{
    struct stat st;
    char stream[64];

    capture();
    CHECK(fstat(STDERR_FILENO, &st) == 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_line(LOG_LEVEL_WARN, "w");
    log_line(LOG_LEVEL_ERROR, "e");
    CHECK_STR(captured(), "<4>opendco: w\n<3>opendco: e\n");
    log_suppress_time(true);
    capture(); /* another pipe: --log */
    log_line(LOG_LEVEL_INFO, "elsewhere");
    CHECK_STR(captured(), "opendco: elsewhere\n");
    setenv("JOURNAL_STREAM", "nonsense", 1);
    capture();
    log_line(LOG_LEVEL_INFO, "x");
    CHECK_STR(captured(), "opendco: x\n");
    unsetenv("JOURNAL_STREAM");
}

TEST("a level hides the lines below it")
{
    log_suppress_time(true);
    capture();
    log_line(LOG_LEVEL_DEBUG, "no");
    log_set_level(LOG_LEVEL_ERROR);
    log_line(LOG_LEVEL_WARN, "no");
    log_line(LOG_LEVEL_ERROR, "yes");
    log_set_level(LOG_LEVEL_DEBUG);
    log_line(LOG_LEVEL_DEBUG, "yes, too");
    log_set_level(LOG_LEVEL_INFO);
    CHECK_STR(captured(), "opendco: yes\nopendco: yes, too\n");
}

TEST("a line stays a line")
{
    char longest[5000];
    const char *line;

    log_suppress_time(true);
    capture();
    log_line(LOG_LEVEL_INFO, "%s", "a\nopendco: forged\x1b[31m\x7f\xc3\xa4");
    CHECK_STR(captured(), "opendco: a?opendco: forged?[31m?\xc3\xa4\n");
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    capture();
    log_line(LOG_LEVEL_INFO, "%s", longest);
    line = captured();
    CHECK(strlen(line) > 500 && strlen(line) < 1100);
    CHECK(line[strlen(line) - 1] == '\n');
}

/* Nobody reads: no signal, no wait. */
TEST("a closed standard error gets no line")
{
    int fd = dup(STDERR_FILENO);

    close(STDERR_FILENO);
    log_line(LOG_LEVEL_ERROR, "into the void");
    dup2(fd, STDERR_FILENO);
    close(fd);
}

/* What has the number of standard error is something else by now. */
TEST("a file that has got number 2 gets no line")
{
    log_suppress_time(true);
    capture();
    log_stderr();
    log_line(LOG_LEVEL_ERROR, "here");
    CHECK_STR(captured(), "opendco: here\n");
    capture();
    log_line(LOG_LEVEL_ERROR, "not into a stranger's file");
    log_stderr();
    log_line(LOG_LEVEL_ERROR, "which is ours now");
    CHECK_STR(captured(), "opendco: which is ours now\n");
    capture();
    close(STDERR_FILENO);
    log_stderr(); /* there is none */
    CHECK_EQ(open("/dev/null", O_RDWR), STDERR_FILENO);
    dup2(saved, STDERR_FILENO);
    log_line(LOG_LEVEL_ERROR, "not ok - this must not be printed");
    log_stderr();
    CHECK_STR(captured(), "");
    log_suppress_time(false);
}

/* A worker may write, though it may not look where to. */
static void *
log_in_sandbox(void *arg)
{
    (void)arg;
    CHECK_EQ(sandbox_enter(0), 0);
    log_line(LOG_LEVEL_WARN, "from a worker");
    return NULL;
}

TEST("a worker's line")
{
    struct stat st;
    char stream[64];
    pthread_t thread;

    capture();
    CHECK(fstat(STDERR_FILENO, &st) == 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_line(LOG_LEVEL_INFO, "first");
    CHECK(pthread_create(&thread, NULL, log_in_sandbox, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK_STR(captured(), "<6>opendco: first\n<4>opendco: from a worker\n");
    unsetenv("JOURNAL_STREAM");
}
