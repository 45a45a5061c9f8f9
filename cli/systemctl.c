/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/systemctl.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/unit.h"

bool
systemctl_works(void)
{
    return access("/run/systemd/system", F_OK) == 0;
}

/* Starts systemctl; output receives what it prints, unless it is -1. Returns 0 or an errno value.
 */
static int
start(char *const argv[], int output, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int err = posix_spawn_file_actions_init(&actions);

    if (err != 0)
        return err;
    if (output >= 0)
        err = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (err == 0)
        err = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return err;
}

/* Waits for the end; false after a message. It has written its own to standard error. */
static bool
finish(pid_t pid, const char *what)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    cli_complain("\"systemctl %s\" failed", what);
    return false;
}

bool
systemctl_reload(void)
{
    char *argv[] = {"systemctl", "daemon-reload", NULL};
    pid_t pid;
    int err = start(argv, -1, &pid);

    if (err == 0)
        return finish(pid, argv[1]);
    cli_complain("cannot run systemctl: %s", strerror(err));
    return false;
}

/* Reads blocks of properties, which an empty line ends. */
static void
read_blocks(FILE *from, void (*each)(const char *unit, long pid, void *arg), void *arg)
{
    char line[512], unit[UNIT_NAME_MAX] = "";
    long pid = 0;
    bool more;

    do {
        more = fgets(line, sizeof(line), from) != NULL;
        if (more)
            line[strcspn(line, "\n")] = '\0';
        if (more && strncmp(line, "Id=", 3) == 0)
            snprintf(unit, sizeof(unit), "%.*s", (int)(strlen(line + 3) - strlen(".service")),
                     line + 3);
        else if (more && strncmp(line, "MainPID=", 8) == 0)
            pid = strtol(line + 8, NULL, 10);
        if ((!more || *line == '\0') && *unit != '\0') {
            if (pid > 0)
                each(unit, pid, arg);
            *unit = '\0';
            pid = 0;
        }
    } while (more);
}

bool
systemctl_each_running(const char *unit, void (*each)(const char *unit, long pid, void *arg),
                       void *arg)
{
    char pattern[UNIT_NAME_MAX + 16];
    char *argv[] = {"systemctl", "show", "--property=Id,MainPID", pattern, NULL};
    int pipes[2], err;
    pid_t pid;
    FILE *from;

    snprintf(pattern, sizeof(pattern), "%s%s.service", unit, unit_is_template(unit) ? "*" : "");
    if (pipe2(pipes, O_CLOEXEC) < 0) {
        cli_complain("cannot make a pipe: %s", strerror(errno));
        return false;
    }
    err = start(argv, pipes[1], &pid);
    close(pipes[1]);
    from = err == 0 ? fdopen(pipes[0], "r") : NULL;
    if (from == NULL)
        close(pipes[0]);
    if (err != 0) {
        cli_complain("cannot run systemctl: %s", strerror(err));
        return false;
    }
    if (from != NULL) {
        read_blocks(from, each, arg);
        fclose(from);
    }
    return finish(pid, argv[1]);
}
