/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin for openvpn that leaves children behind, as those that ask for passwords or keep root
 * do:
 *
 *     plugin forking_plugin.so FOLDER WHEN...
 *
 * WHEN is "open" (when it is loaded), "up" (when the device is there) or "connect" (with each
 * client). Child N, from 1, writes its pid into FOLDER/WHEN.N, lives in a session of its own, keeps
 * every descriptor that it was born with, and ends by itself after a minute.
 * With "exit", another child of each client ends at once by exit(3), as if it were the program.
 */
#include <fcntl.h>
#include <openvpn/openvpn-plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_SECONDS 3000

struct plugin {
    char *folder;
    unsigned children;
    int on_up, on_connect, exits;
};

static void
child_report(const struct plugin *p, const char *when)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/%s.%u", p->folder, when, p->children);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0)
        _exit(1);
    close(fd);
}

static int
leave_child(struct plugin *p, const char *when)
{
    pid_t pid;

    p->children++;
    pid = fork();
    if (pid != 0)
        return pid < 0 ? OPENVPN_PLUGIN_FUNC_ERROR : OPENVPN_PLUGIN_FUNC_SUCCESS;
    setsid();
    child_report(p, when);
    sleep(LIFE_SECONDS);
    _exit(0);
}

static int
end_child(void)
{
    pid_t pid = fork();

    if (pid == 0)
        exit(0);
    return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

OPENVPN_EXPORT openvpn_plugin_handle_t
openvpn_plugin_open_v1(unsigned *mask, const char *argv[], const char *envp[])
{
    struct plugin *p = calloc(1, sizeof(*p));

    (void)envp;
    if (p == NULL || argv[1] == NULL)
        return NULL;
    p->folder = strdup(argv[1]);
    for (int i = 2; argv[i] != NULL; i++) {
        p->on_up |= strcmp(argv[i], "up") == 0;
        p->on_connect |= strcmp(argv[i], "connect") == 0;
        p->exits |= strcmp(argv[i], "exit") == 0;
        if (strcmp(argv[i], "open") == 0)
            leave_child(p, "open");
    }
    *mask = 0;
    if (p->on_up)
        *mask |= OPENVPN_PLUGIN_MASK(OPENVPN_PLUGIN_UP);
    if (p->on_connect)
        *mask |= OPENVPN_PLUGIN_MASK(OPENVPN_PLUGIN_CLIENT_CONNECT);
    return p;
}

OPENVPN_EXPORT int
openvpn_plugin_func_v1(openvpn_plugin_handle_t handle, const int type, const char *argv[],
                       const char *envp[])
{
    struct plugin *p = handle;

    (void)argv;
    (void)envp;
    if (p->exits && end_child() < 0)
        return OPENVPN_PLUGIN_FUNC_ERROR;
    return leave_child(p, type == OPENVPN_PLUGIN_UP ? "up" : "connect");
}

OPENVPN_EXPORT void
openvpn_plugin_close_v1(openvpn_plugin_handle_t handle)
{
    struct plugin *p = handle;

    free(p->folder);
    free(p);
}
