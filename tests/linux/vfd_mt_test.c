/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of vfds and the preload lock, with threads that hold the lock, request a notification,
 * and open and close descriptors at the same time; and the swap of a descriptor inside epoll.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "linux/sys/calls.h"

/* The preload layer is in no test program. */
#include "linux/preload/lock.c"
#include "linux/preload/vfd.c"
#include "linux/preload/vfd_swap.c"

const struct sys_calls *
sys(void)
{
    static const struct sys_calls libc = {
        .close = close, .dup3 = dup3, .fcntl = fcntl, .epoll_ctl = epoll_ctl, .send = send};

    return &libc;
}

#define THREADS 4

static void
threads_run(void *(*fn)(void *), unsigned n)
{
    pthread_t thread[2 * THREADS];

    for (unsigned i = 0; i < n; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, fn, (void *)(uintptr_t)i), 0);
    for (unsigned i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
}

/* Wishes for a notification */

#define WISHES 20000U

static uint32_t waiting, taken, holding; /* waiting: atomic; the others: preload lock */

void
genl_events(void)
{
    CHECK(preload_inside());
    taken += __atomic_exchange_n(&waiting, 0, __ATOMIC_ACQ_REL);
}

/* Even threads wish, odd ones hold the lock again and again, as openvpn's thread does. */
static void *
wish_or_hold(void *arg)
{
    bool wishes = (uintptr_t)arg % 2 == 0;

    for (unsigned i = 0; i < test_rounds(WISHES); i++) {
        if (wishes) {
            __atomic_fetch_add(&waiting, 1, __ATOMIC_ACQ_REL);
            preload_notify();
        } else {
            preload_lock();
            holding++;
            preload_unlock();
        }
    }
    return NULL;
}

TEST("no wish for a notification is lost")
{
    threads_run(wish_or_hold, 2 * THREADS);
    CHECK_EQ(waiting, 0);
    CHECK_EQ(taken, test_rounds(WISHES) * THREADS);
    CHECK_EQ(holding, test_rounds(WISHES) * THREADS);
    CHECK(!preload_inside());
}

/* Vfds come and go */

#define FDS 8

static uint32_t made, ended, finished; /* atomic */

static void
count_end(struct vfd *d)
{
    (void)d;
    CHECK(preload_inside());
    __atomic_fetch_add(&ended, 1, __ATOMIC_RELAXED);
}

static void
count_fini(struct vfd *d)
{
    __atomic_fetch_add(&finished, 1, __ATOMIC_RELAXED);
    CHECK_EQ(d->fds, 0);
    free(d);
}

#define COUNTED VFD_UDP

static const struct vfd_ops counted = {.end = count_end, .fini = count_fini};

static struct vfd *
counted_vfd(int fd)
{
    struct vfd *d = malloc(sizeof(*d));

    vfd_init(d, COUNTED);
    CHECK(vfd_set(fd, d));
    __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
    return d;
}

static void *
come_and_go(void *arg)
{
    struct rng rng = {.state = (uintptr_t)arg + 1};

    for (unsigned i = 0; i < test_rounds(20000); i++) {
        int fd = (int)(2000 + rng_below(&rng, FDS));
        struct vfd *d;

        if (rng_chance(&rng, 10)) {
            counted_vfd(fd);
        } else if (rng_chance(&rng, 10)) {
            vfd_unset(fd);
        } else {
            d = vfd_get(fd);
            if (d && rng_chance(&rng, 20))
                vfd_set((int)(2000 + rng_below(&rng, FDS)), d);
            if (d)
                vfd_put(d);
        }
    }
    return NULL;
}

TEST("every vfd ends once")
{
    threads_run(come_and_go, THREADS);
    for (int fd = 2000; fd < 2000 + FDS; fd++)
        vfd_unset(fd);
    CHECK(made > 0);
    CHECK_EQ(finished, made);
    CHECK_EQ(ended, made);
}

TEST("fds out of range have no vfd")
{
    struct vfd d;

    vfd_init(&d, COUNTED);
    CHECK(vfd_get(-1) == NULL);
    CHECK(vfd_get(1 << 20) == NULL);
    CHECK(vfd_get(INT32_MAX) == NULL);
    CHECK(!vfd_set(-1, &d));
    CHECK(!vfd_set(1 << 20, &d));
    vfd_unset(-1);
    vfd_unset(1 << 20);
}

/* The swap */

TEST("a swapped descriptor keeps its flags and its place in epoll")
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 99}, got = {0};
    int old[2], pair[2], ep = epoll_create1(0), hidden;
    struct vfd *d;

    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, old), 0);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    d = counted_vfd(old[0]);
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, old[0], &event), 0);
    vfd_watched(d, ep, EPOLL_CTL_ADD, &event);
    hidden = dup(old[0]);
    preload_lock();
    CHECK_EQ(vfd_swap(d, old[0], pair[0]), 0);
    preload_unlock();
    CHECK_EQ(fcntl(old[0], F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(old[0], F_GETFL) & O_NONBLOCK);
    CHECK_EQ(send(old[1], "x", 1, 0), 1); /* the old file no longer wakes anybody */
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
    CHECK_EQ(send(pair[1], "x", 1, 0), 1);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
    CHECK_EQ(got.data.u64, 99);
    vfd_unset(old[0]);
    close(old[0]);
    close(old[1]);
    close(pair[0]);
    close(pair[1]);
    close(hidden);
    close(ep);
}

/* Fork */

static int closed_in_child, closed_fd;

static void
count_closed(struct vfd *d, int fd)
{
    (void)d;
    closed_in_child++;
    closed_fd = fd;
}

#define FORKED VFD_GENL

static const struct vfd_ops forked = {.fork_child = count_closed, .fini = count_fini};

const struct vfd_ops *const vfd_kinds[VFD_KINDS] = {[COUNTED] = &counted, [FORKED] = &forked};

/* One vfd behind two fds closes once, and the child has none afterwards. */
static int
child(void)
{
    struct vfd d;

    preload_lock_fork_child();
    vfd_fork_child(false);
    vfd_init(&d, FORKED);
    if (closed_in_child != 1 || closed_fd != 2101)
        return 1;
    return vfd_get(2100) || vfd_get(2101) || vfd_set(2100, &d);
}

TEST("children have no vfds unless they are daemons")
{
    struct vfd *d = malloc(sizeof(*d));
    int status;
    pid_t pid;

    vfd_init(d, FORKED);
    CHECK(vfd_set(2100, d) && vfd_set(2101, d));
    pid = fork();
    if (pid == 0)
        _exit(child());
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    pid = fork(); /* daemon(): the child goes on with the vfds */
    if (pid == 0) {
        preload_lock_fork_child();
        vfd_fork_child(true);
        _exit(vfd_get(2100) == d && vfd_get(2101) == d ? 0 : 1);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    vfd_unset(2100);
    vfd_unset(2101);
}

/* A child of vfork() has descriptors of its own, but the parent's memory. */
TEST("children of vfork() change none")
{
    struct vfd d;
    int status;
    pid_t pid;

    vfd_init(&d, FORKED);
    CHECK(vfd_set(2300, &d));
    pid = vfork();
    if (pid == 0) {
        vfd_unset(2300);
        _exit(vfd_set(2301, &d));
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    CHECK(!vfd_get(2301));
    CHECK(vfd_get(2300) == &d);
    vfd_put(&d);
    CHECK_EQ(d.fds, 1);
}
