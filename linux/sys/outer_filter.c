/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel does not tell what a filter does. So a child makes the call, and is dead or not. The
 * child is made without the C library and without a signal for the parent: openvpn's plugins and
 * fork handlers do not notice it.
 */
#include "linux/sys/outer_filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/sys/log.h"

struct optional {
    long call;
    const char *name;
    bool kills; /* written by outer_filter_probe(), then constant */
};

/* Arguments of 0 do nothing in each of them. Of the process, like the filter. */
static struct optional optional[] = {
    {.call = SYS_seccomp, .name = "seccomp"},             /* audit lines of our own filters */
    {.call = SYS_sched_getattr, .name = "sched_getattr"}, /* short slices of the workers */
    {.call = SYS_sched_setattr, .name = "sched_setattr"}, /* likewise */
    {.call = SYS_io_setup, .name = "io_setup"},           /* batched writes to the TUN device */
    {.call = SYS_io_submit, .name = "io_submit"},         /* likewise */
    {.call = SYS_io_destroy, .name = "io_destroy"},       /* likewise */
    {.call = SYS_capset, .name = "capset"},               /* threads without capabilities */
    {.call = SYS_mlock, .name = "mlock"},                 /* keys in locked memory */
};

#define OPTIONAL (sizeof(optional) / sizeof(optional[0]))

/* Ends the child in any case, without a core dump. */
static void
child(long call)
{
    (void)prctl(PR_SET_DUMPABLE, 0UL);
    (void)syscall(call, 0L, 0L, 0L, 0L, 0L, 0L);
    for (;;)
        (void)syscall(SYS_exit_group, 0);
}

/* If it cannot be tried, the answer is the safe one. */
static bool
kills(long call)
{
    pid_t pid = (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L), ended;
    int status = 0;

    if (pid == 0)
        child(call);
    if (pid < 0)
        return true;
    do {
        ended = waitpid(pid, &status, __WCLONE);
    } while (ended < 0 && errno == EINTR);
    return ended != pid || !WIFEXITED(status);
}

void
outer_filter_probe(void)
{
    char names[128] = "";

    if (prctl(PR_GET_SECCOMP) != SECCOMP_MODE_FILTER)
        return;
    for (size_t i = 0; i < OPTIONAL; i++) {
        size_t len = strlen(names);

        optional[i].kills = kills(optional[i].call);
        if (optional[i].kills)
            snprintf(names + len, sizeof(names) - len, " %s", optional[i].name);
    }
    if (names[0] != '\0')
        log_line(LOG_LEVEL_WARN,
                 "the service's system call filter ends the process at some calls, so OpenDCO does "
                 "without them, see SystemCallFilter in opendco(8):%s",
                 names);
}

bool
outer_filter_kills(long call)
{
    for (size_t i = 0; i < OPTIONAL; i++)
        if (optional[i].call == call)
            return optional[i].kills;
    return false;
}
