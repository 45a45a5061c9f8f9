/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of doors and the doorway's lock, with threads that hold it, wish for a notification,
 * and open and close descriptors at the same time; the swap of a descriptor inside epoll.
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/doorway/real.h"

/* The doorway is in no test program. */
#include "linux/doorway/door.c"

const struct real *
real(void)
{
    static const struct real libc = {
        .close = close, .dup3 = dup3, .fcntl = fcntl, .epoll_ctl = epoll_ctl, .send = send};

    return &libc;
}

#define THREADS 4

static void
threads_run(void *(*fn)(void *), unsigned n)
{
    pthread_t thread[2 * THREADS];

    for (unsigned i = 0; i < n; i++)
        check_equal(pthread_create(&thread[i], NULL, fn, (void *)(uintptr_t)i), 0);
    for (unsigned i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
}

/* ---- wishes for a notification --------------------------------------------------------------- */

#define WISHES 20000U

static uint32_t waiting, taken, holding; /* waiting: atomic; the others: door lock */

void
genl_events(void)
{
    check(door_inside());
    taken += __atomic_exchange_n(&waiting, 0, __ATOMIC_ACQ_REL);
}

/* Even threads wish, odd ones hold the lock again and again, as openvpn's thread does. */
static void *
wish_or_hold(void *arg)
{
    bool wishes = (uintptr_t)arg % 2 == 0;

    for (unsigned i = 0; i < harness_rounds(WISHES); i++) {
        if (wishes) {
            __atomic_fetch_add(&waiting, 1, __ATOMIC_ACQ_REL);
            door_notify();
        } else {
            door_lock();
            holding++;
            door_unlock();
        }
    }
    return NULL;
}

static void
no_wish_is_lost(void)
{
    threads_run(wish_or_hold, 2 * THREADS);
    check_equal(waiting, 0);
    check_equal(taken, harness_rounds(WISHES) * THREADS);
    check_equal(holding, harness_rounds(WISHES) * THREADS);
    check(!door_inside());
}

/* ---- doors come and go ----------------------------------------------------------------------- */

#define FDS 8

static uint32_t made, ended, finished; /* atomic */

static void
count_end(struct door *d)
{
    (void)d;
    check(door_inside());
    __atomic_fetch_add(&ended, 1, __ATOMIC_RELAXED);
}

static void
count_fini(struct door *d)
{
    __atomic_fetch_add(&finished, 1, __ATOMIC_RELAXED);
    check_equal(d->fds, 0);
    free(d);
}

#define COUNTED DOOR_UDP

static const struct door_ops counted = {.end = count_end, .fini = count_fini};

static struct door *
counted_door(int fd)
{
    struct door *d = malloc(sizeof(*d));

    door_init(d, COUNTED);
    check(door_set(fd, d));
    __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
    return d;
}

static void *
come_and_go(void *arg)
{
    struct rng rng = {.state = (uintptr_t)arg + 1};

    for (unsigned i = 0; i < harness_rounds(20000); i++) {
        int fd = (int)(2000 + rng_below(&rng, FDS));
        struct door *d;

        if (rng_chance(&rng, 10)) {
            counted_door(fd);
        } else if (rng_chance(&rng, 10)) {
            door_unset(fd);
        } else {
            d = door_get(fd);
            if (d && rng_chance(&rng, 20))
                door_set((int)(2000 + rng_below(&rng, FDS)), d);
            if (d)
                door_put(d);
        }
    }
    return NULL;
}

static void
every_door_ends_once(void)
{
    threads_run(come_and_go, THREADS);
    for (int fd = 2000; fd < 2000 + FDS; fd++)
        door_unset(fd);
    check(made > 0);
    check_equal(finished, made);
    check_equal(ended, made);
}

static void
numbers_out_of_range(void)
{
    struct door d;

    door_init(&d, COUNTED);
    check(door_get(-1) == NULL);
    check(door_get(1 << 20) == NULL);
    check(door_get(INT32_MAX) == NULL);
    check(!door_set(-1, &d));
    check(!door_set(1 << 20, &d));
    door_unset(-1);
    door_unset(1 << 20);
}

/* ---- the swap -------------------------------------------------------------------------------- */

static void
swap_keeps_flags_and_epoll(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 99}, got = {0};
    int old[2], pair[2], ep = epoll_create1(0), hidden;
    struct door *d;

    check_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, old), 0);
    check_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    d = counted_door(old[0]);
    check_equal(epoll_ctl(ep, EPOLL_CTL_ADD, old[0], &event), 0);
    door_watched(d, ep, EPOLL_CTL_ADD, &event);
    hidden = dup(old[0]);
    door_lock();
    check_equal(door_swap(d, old[0], pair[0]), 0);
    door_unlock();
    check_equal(fcntl(old[0], F_GETFD), FD_CLOEXEC);
    check(fcntl(old[0], F_GETFL) & O_NONBLOCK);
    check_equal(send(old[1], "x", 1, 0), 1); /* the old file no longer wakes anybody */
    check_equal(epoll_wait(ep, &got, 1, 0), 0);
    check_equal(send(pair[1], "x", 1, 0), 1);
    check_equal(epoll_wait(ep, &got, 1, 0), 1);
    check_equal(got.data.u64, 99);
    door_unset(old[0]);
    close(old[0]);
    close(old[1]);
    close(pair[0]);
    close(pair[1]);
    close(hidden);
    close(ep);
}

/* ---- fork ------------------------------------------------------------------------------------ */

static int closed_in_child, closed_fd;

static void
count_closed(struct door *d, int fd)
{
    (void)d;
    closed_in_child++;
    closed_fd = fd;
}

#define FORKED DOOR_GENL

static const struct door_ops forked = {.fork_child = count_closed, .fini = count_fini};

const struct door_ops *const door_kinds[DOOR_KINDS] = {[COUNTED] = &counted, [FORKED] = &forked};

/* One door behind two numbers closes once, and the child has none afterwards. */
static int
child(void)
{
    struct door d;

    door_fork_child(false);
    door_init(&d, FORKED);
    if (closed_in_child != 1 || closed_fd != 2101)
        return 1;
    return door_get(2100) || door_get(2101) || door_set(2100, &d);
}

static void
children(void)
{
    struct door *d = malloc(sizeof(*d));
    int status;
    pid_t pid;

    door_init(d, FORKED);
    check(door_set(2100, d) && door_set(2101, d));
    pid = fork();
    if (pid == 0)
        _exit(child());
    check_equal(waitpid(pid, &status, 0), pid);
    check_equal(status, 0);
    pid = fork(); /* daemon(): the child goes on with the doors */
    if (pid == 0) {
        door_fork_child(true);
        _exit(door_get(2100) == d && door_get(2101) == d ? 0 : 1);
    }
    check_equal(waitpid(pid, &status, 0), pid);
    check_equal(status, 0);
    door_unset(2100);
    door_unset(2101);
}

/* A child of vfork() has descriptors of its own, but the parent's memory. */
static void
borrowers(void)
{
    struct door d;
    int status;
    pid_t pid;

    door_init(&d, FORKED);
    check(door_set(2300, &d));
    pid = vfork();
    if (pid == 0) {
        door_unset(2300);
        _exit(door_set(2301, &d));
    }
    check_equal(waitpid(pid, &status, 0), pid);
    check_equal(status, 0);
    check(!door_get(2301));
    check(door_get(2300) == &d);
    door_put(&d);
    check_equal(d.fds, 1);
}

static const struct test tests[] = {
    {"no wish for a notification is lost", no_wish_is_lost},
    {"every door ends once", every_door_ends_once},
    {"numbers out of range have no door", numbers_out_of_range},
    {"a swapped descriptor keeps its flags and its place in epoll", swap_keeps_flags_and_epoll},
    {"children have no doors unless they are daemons", children},
    {"children of vfork() change none", borrowers},
};

HARNESS_MAIN(tests)
