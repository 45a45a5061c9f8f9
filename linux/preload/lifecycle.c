/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/lifecycle.h"

#include <pthread.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "linux/openvpn/offer.h"
#include "linux/plane/plane.h"
#include "linux/preload/hook.h"
#include "linux/preload/lock.h"
#include "linux/preload/vfd.h"
#include "linux/status/server.h"
#include "linux/sys/calls.h"
#include "linux/sys/image.h"
#include "linux/sys/log.h"
#include "linux/sys/std_fds.h"
#include "linux/sys/thread.h"

/* One per process: start and end concern it as a whole. */
static struct {
    bool started;   /* set once, before the first thread of the plane */
    bool answering; /* set once, before the status thread */
} life;

static __thread bool daemonizing __attribute__((tls_model("initial-exec")));

/* What a child takes over is not being changed by another thread. */
static void
fork_prepare(void)
{
    preload_lock();
}

static void
fork_parent(void)
{
    preload_unlock();
}

/* A child that only runs a script or a plugin must not keep the port and the device open. */
static void
fork_child(void)
{
    bool keep = daemonizing || !life.started;

    preload_lock_fork_child();
    vfd_fork_child(keep);
    preload_enter(); /* the calls below are the plane's own */
    if (!daemonizing && life.answering)
        status_fork_child();
    if (!keep)
        plane_fork_child();
    preload_leave();
    if (keep)
        return;
    offer_fork_child();
    life.started = false;
}

/* Registered late, so that it runs before the exit handlers of openvpn's libraries. */
static void
at_exit(void)
{
    preload_lock();
    if (life.answering)
        status_close();
    if (life.started)
        plane_shutdown();
    preload_unlock();
}

static void
register_exit(void)
{
    if (!life.started && !life.answering)
        (void)atexit(at_exit);
}

bool
lifecycle_ask(void)
{
    bool offered = offer_ask();

    if (offer_known()) {
        register_exit();
        life.started = true;
    }
    return offered;
}

/* After daemon() this makes a socket and a thread for the new process id. */
void
lifecycle_answer(void)
{
    register_exit();
    life.answering = true;
    std_fds_reserve();
    image_init();
    (void)status_open();
    status_start();
}

/* openvpn calls it before it makes a device, so no thread of ours runs yet. */
HOOK int
daemon(int nochdir, int noclose)
{
    int result;

    daemonizing = true;
    result = sys()->daemon(nochdir, noclose);
    daemonizing = false;
    return result;
}

/* Our own threads count as inside, so a socket that a library opens on one gets no vfd. */
const struct thread_hooks thread_hooks = {.on_start = preload_enter};
const struct plane_hooks plane_hooks = {.on_event = preload_notify};

HOOK void
openlog(const char *ident, int option, int facility)
{
    log_use_syslog();
    sys()->openlog(ident, option, facility);
}

__attribute__((constructor)) static void
lifecycle_begin(int argc, char **argv, char **envp)
{
    (void)envp;
    log_stderr();
    offer_set_args(argc, argv);
    (void)pthread_atfork(fork_prepare, fork_parent, fork_child);
}
