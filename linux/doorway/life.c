/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/doorway/life.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "linux/doorway/door.h"
#include "linux/doorway/family.h"
#include "linux/doorway/real.h"
#include "linux/doorway/stdio.h"
#include "linux/plane/log.h"
#include "linux/plane/plane.h"
#include "linux/status/status.h"

static bool started;   /* set once, before the first thread of the plane */
static bool answering; /* set once, before the status thread */
static __thread bool daemonizing __attribute__((tls_model("initial-exec")));

/* A child that only runs a script or a plugin must not keep the port and the device alive. */
static void
fork_child(void)
{
    bool keep = daemonizing || !started;

    door_fork_child(keep);
    door_enter(); /* what follows are the plane's own calls */
    if (!daemonizing && answering)
        status_fork_child();
    if (!keep)
        plane_fork_child();
    door_leave();
    if (keep)
        return;
    family_fork_child();
    started = false;
}

/* Registered late, so that it runs before what openvpn's libraries registered for their end. */
static void
at_exit(void)
{
    door_lock();
    if (answering)
        status_close();
    if (started)
        plane_shutdown();
    door_unlock();
}

static void
register_exit(void)
{
    if (!started && !answering)
        (void)atexit(at_exit);
}

void
life_started(void)
{
    register_exit();
    started = true;
}

/* Called again after daemon() it makes a socket and a thread for the new process id. */
void
life_answer(void)
{
    register_exit();
    answering = true;
    stdio_reserve();
    (void)status_open();
    status_start();
}

/* No thread of ours runs yet: openvpn calls it before it makes a device. */
int
life_daemon(int nochdir, int noclose)
{
    int result;

    daemonizing = true;
    result = real()->daemon(nochdir, noclose);
    daemonizing = false;
    return result;
}

/* A socket of the plane's threads is no socket of openvpn's. */
const struct plane_hooks plane_hooks = {.on_thread = door_enter, .on_event = door_notify};

__attribute__((constructor)) static void
life_begin(int argc, char **argv, char **envp)
{
    (void)envp;
    dco_log_stderr();
    family_set_args(argc, argv);
    (void)pthread_atfork(NULL, NULL, fork_child);
}
