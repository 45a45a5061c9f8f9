/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/housekeeping.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/timers.h"
#include "linux/plane/dev_private.h"
#include "linux/plane/events.h"
#include "linux/plane/grace.h"
#include "linux/plane/keepalive.h"
#include "linux/plane/pathmtu.h"
#include "linux/plane/routes.h"
#include "linux/plane/train_check.h"
#include "linux/sys/calls.h"
#include "linux/sys/clock.h"
#include "linux/sys/log.h"
#include "linux/sys/sandbox.h"
#include "linux/sys/thread.h"

#define MS          1000000ULL
#define IDLE_NS     (1000 * MS) /* longest wait */
#define PEERS_NS    (250 * MS)  /* longest wait with peers: a command may have shortened a timer */
#define PATH_MTU_NS (250 * MS)
#define TRAINS_NS   (1000 * MS)
#define RETRY_NS    (2 * MS) /* until the preload layer is asked again to take events */
#define DUE_MAX     64U      /* keepalives of a device in one turn */
#define PAUSE_NS    (MS / 2) /* after a turn that reached DUE_MAX */
#define STACK_BYTES (512U << 10)

/* Of the process, which has one housekeeping thread. */
static struct {
    pthread_t thread; /* openvpn's thread */
    bool running;     /* openvpn's thread */
    bool stop;        /* atomic */
    int wake_fd;      /* atomic; never closed: a late wake must not write to a reused descriptor */
} housekeeping = {.wake_fd = -1};

void
housekeeping_wake(void)
{
    static const uint64_t one = 1;
    int saved = errno;
    int fd = dco_load_acquire(&housekeeping.wake_fd);
    ssize_t done = fd < 0 ? 0 : sys()->write(fd, &one, sizeof(one));

    (void)done; /* a full counter means that it is awake anyway */
    errno = saved;
}

static void
earlier(uint64_t *next, uint64_t at)
{
    *next = at < *next ? at : *next;
}

/* Sends at most DUE_MAX keepalives, because the devices' lock is held. Other threads can take the
 * lock during the pause before the next ones. */
static void
run_timers(struct plane_dev *dev, uint64_t now_ns, uint64_t *next)
{
    struct dco_peer *due[DUE_MAX];
    uint64_t at = UINT64_MAX;
    unsigned n = dco_peers_tick(dev->peers, now_ns, due, DUE_MAX, &at);

    keepalive_send(due, n);
    earlier(next, n == DUE_MAX ? clock_now_ns() + PAUSE_NS : at);
    if (dco_peers_count(dev->peers) != 0)
        earlier(next, now_ns + PEERS_NS);
}

/* Serves all devices once. Returns the time of the next turn; sets *waiting if events wait. */
static uint64_t
turn(uint64_t now_ns, bool path_mtu, bool *waiting)
{
    static uint64_t trains_at; /* housekeeping */
    uint64_t next = now_ns + IDLE_NS;

    *waiting = false;
    plane_devs_lock();
    for (struct plane_dev *dev = plane_dev_next(NULL); dev != NULL; dev = plane_dev_next(dev)) {
        if (!dev->routes_attached)
            routes_attach(dev);
        run_timers(dev, now_ns, &next);
        if (path_mtu)
            path_mtu_refresh(dev, now_ns);
        if (now_ns >= trains_at)
            train_check(dev, now_ns);
        *waiting = *waiting || dco_events_waiting(dev->peers);
    }
    if (now_ns >= trains_at)
        trains_at = now_ns + TRAINS_NS;
    earlier(&next, routes_tick(now_ns));
    plane_devs_unlock();
    return next;
}

static void
wait_until(uint64_t next)
{
    struct pollfd fds[2] = {
        {.fd = housekeeping.wake_fd, .events = POLLIN},
        {.fd = routes_fd(), .events = POLLIN},
    };
    uint64_t now_ns = clock_now_ns(), left = next > now_ns ? next - now_ns : 0, count;
    struct timespec ts = {.tv_sec = (time_t)(left / (1000 * MS)),
                          .tv_nsec = (long)(left % (1000 * MS))};

    if (ppoll(fds, 2, &ts, NULL) <= 0)
        return;
    if (fds[0].revents != 0 && sys()->read(housekeeping.wake_fd, &count, sizeof(count)) < 0)
        log_line(LOG_LEVEL_DEBUG, "housekeeping: %s", strerror(errno));
    if (fds[1].revents != 0)
        routes_ready();
}

static void *
housekeeping_main(void *arg)
{
    uint64_t path_mtu_at = 0;

    (void)arg;
    (void)sandbox_enter(THREAD_HOUSEKEEPING); /* the thread runs without a sandbox, too */
    while (!dco_load_acquire(&housekeeping.stop)) {
        uint64_t now_ns = clock_now_ns(), next;
        bool path_mtu = now_ns >= path_mtu_at, waiting;

        if (path_mtu)
            path_mtu_at = now_ns + PATH_MTU_NS;
        next = turn(now_ns, path_mtu, &waiting);
        grace_synchronize();
        events_dispatch();
        if (waiting) {
            events_raise();
            earlier(&next, now_ns + RETRY_NS);
        }
        wait_until(next);
    }
    sandbox_leave(THREAD_HOUSEKEEPING);
    return NULL;
}

static int
open_wake(void)
{
    int fd;

    if (housekeeping.wake_fd >= 0)
        return 0;
    fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    dco_store_release(&housekeeping.wake_fd, fd);
    return 0;
}

int
housekeeping_start(void)
{
    int err = open_wake();

    if (err < 0 || housekeeping.running)
        return err;
    dco_store_release(&housekeeping.stop, false);
    err = thread_start(&housekeeping.thread, THREAD_HOUSEKEEPING, STACK_BYTES, housekeeping_main,
                       NULL);
    housekeeping.running = err == 0;
    return err;
}

void
housekeeping_stop(void)
{
    if (!housekeeping.running)
        return;
    dco_store_release(&housekeeping.stop, true);
    housekeeping_wake();
    pthread_join(housekeeping.thread, NULL);
    housekeeping.running = false;
}
