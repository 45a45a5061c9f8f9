/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "linux/crypto/aead.h"
#include "linux/plane/housekeeping.h"
#include "linux/sys/limits.h"
#include "linux/sys/log.h"
#include "linux/plane/mss.h"
#include "linux/plane/plane_state.h"
#include "linux/plane/tun.h"
#include "linux/plane/worker.h"
#include "linux/sys/calls.h"

struct plane plane = {
    .devs_lock = PTHREAD_MUTEX_INITIALIZER,
    .deferred_lock = PTHREAD_MUTEX_INITIALIZER,
    .grace_lock = PTHREAD_MUTEX_INITIALIZER,
};

/* ---- the home of core/: see core/env.h ------------------------------------------------------- */

const struct dco_env plane_env;

void *
dco_env_alloc(const struct dco_env *env, size_t size)
{
    size_t rounded = (size + 63) & ~(size_t)63;
    void *p = aligned_alloc(64, rounded);

    (void)env;
    if (p != NULL)
        memset(p, 0, rounded);
    return p;
}

void
dco_env_free(const struct dco_env *env, void *p, size_t size)
{
    (void)env;
    (void)size;
    free(p);
}

void
dco_env_crypto_free(const struct dco_env *env, void *crypto)
{
    (void)env;
    aead_free(crypto);
}

void
dco_env_transport_put(const struct dco_env *env, void *transport)
{
    (void)env;
    plane_port_put(transport);
}

void
dco_env_wake(const struct dco_env *env)
{
    (void)env;
    dco_store_release(&plane.events, 1U);
    plane_wake();
}

/* Run once all workers have passed. Any thread. */
void
dco_env_defer(const struct dco_env *env, struct dco_deferred *d)
{
    (void)env;
    pthread_mutex_lock(&plane.deferred_lock);
    d->next = plane.deferred;
    plane.deferred = d;
    pthread_mutex_unlock(&plane.deferred_lock);
    plane_wake();
}

static struct dco_deferred *
deferred_take(void)
{
    struct dco_deferred *d;

    pthread_mutex_lock(&plane.deferred_lock);
    d = plane.deferred;
    plane.deferred = NULL;
    pthread_mutex_unlock(&plane.deferred_lock);
    return d;
}

/* Running one may defer another (a peer gives up its keys): go on until nothing is left. */
void
plane_synchronize(void)
{
    struct dco_deferred *d;

    pthread_mutex_lock(&plane.grace_lock);
    while ((d = deferred_take()) != NULL) {
        for (unsigned i = 0; i < plane.workers; i++) {
            if (plane.worker[i] == NULL)
                continue;
            worker_enter(plane.worker[i]);
            worker_leave(plane.worker[i]);
        }
        while (d != NULL) {
            struct dco_deferred *next = d->next;

            dco_deferred_run(d);
            d = next;
        }
    }
    pthread_mutex_unlock(&plane.grace_lock);
}

__attribute__((weak)) const struct plane_hooks plane_hooks = {NULL};

/* ---- threads ------------------------------------------------------------------------------------
 */

void
plane_configure(const struct plane_config *config)
{
    if (plane.workers != 0)
        return;
    plane.config = *config;
    mss_configure(config->mss);
}

unsigned
plane_decide_workers(void)
{
    if (plane.workers == 0)
        plane.workers = limits_workers(plane.config.workers);
    return plane.workers;
}

unsigned
plane_worker_count(void)
{
    return dco_load(&plane.workers);
}

/* Workers, and housekeeping for keepalives. */
unsigned
plane_key_threads(void)
{
    return plane_decide_workers() + 1;
}

unsigned
plane_group_size(void)
{
    return plane_decide_workers();
}

unsigned
plane_queues(unsigned workers)
{
    unsigned each = PLANE_QUEUES_MAX / workers;

    return workers * (each < PLANE_QUEUES_EACH ? each : PLANE_QUEUES_EACH);
}

int
plane_prepare(void)
{
    int err;

    if (!limits_allow_threads())
        return -EAGAIN;
    if (!limits_allow_files(plane_decide_workers()))
        return -EMFILE;
    err = tun_spares_open(plane_queues(plane_decide_workers()));
    if (err == 0)
        err = routes_open();
    if (err < 0)
        tun_spares_close();
    return err;
}

static void
workers_end(void)
{
    for (unsigned i = 0; i < plane.workers; i++) {
        struct worker *w = plane.worker[i];

        plane.worker[i] = NULL;
        if (w != NULL)
            worker_free(w);
    }
}

/* A limit that counts threads may be nearer than it looked when their number was decided. One
 * worker is enough for everything. */
static int
workers_start(void)
{
    for (unsigned i = 0; i < plane.workers; i++) {
        plane.worker[i] = worker_new(i);
        if (plane.worker[i] != NULL)
            continue;
        if (i == 0)
            return -errno;
        log_line(LOG_LEVEL_WARN, "only %u of %u workers could be started: %s", i, plane.workers,
                 strerror(errno));
        dco_store(&plane.workers, i);
    }
    return 0;
}

int
plane_start(void)
{
    int err;

    if (plane.running)
        return 0;
    plane_decide_workers();
    (void)send_gso_works();
    (void)send_segments_max();
    err = workers_start();
    if (err == 0)
        err = housekeeping_start();
    if (err < 0) {
        workers_end();
        return err;
    }
    plane.running = true;
    return 0;
}

/* Housekeeping ends first: it may be waiting for a worker. */
void
plane_stop(void)
{
    if (!plane.running)
        return;
    plane.running = false;
    housekeeping_stop();
    plane_synchronize();
    workers_end();
}

void
plane_stop_workers(void)
{
    for (unsigned i = 0; i < plane.workers; i++)
        if (plane.worker[i] != NULL)
            worker_enter(plane.worker[i]);
}

void
plane_resume_workers(void)
{
    for (unsigned i = plane.workers; i-- > 0;)
        if (plane.worker[i] != NULL)
            worker_leave(plane.worker[i]);
}

/* ---- events
 * --------------------------------------------------------------------------------------- */

void
plane_dispatch_events(void)
{
    if (dco_exchange(&plane.events, 0U) != 0 && plane_hooks.on_event != NULL)
        plane_hooks.on_event();
}

/* openvpn is about to learn of the removal. There may be another peer of this id already, whose
 * float_nat stays. */
static void
event_books(struct plane_dev *dev, const struct dco_event *event)
{
    struct dco_peer_info next = {.transport = NULL};

    if (event->kind != DCO_EVENT_DEL)
        return;
    (void)dco_control_peer_get(dev->peers, event->peer_id, &next);
    for (struct plane_port *s = plane.socks; s != NULL; s = s->next)
        if (s != next.transport)
            float_nat_forget(s->float_nat, event->peer_id);
}

bool
plane_event_take(struct plane_dev **dev, struct dco_event *event)
{
    bool found = false;

    pthread_mutex_lock(&plane.devs_lock);
    for (struct plane_dev *d = plane.devs; d != NULL && !found; d = d->next) {
        found = dco_event_take(d->peers, event);
        if (found)
            *dev = d;
    }
    if (found)
        event_books(*dev, event);
    pthread_mutex_unlock(&plane.devs_lock);
    return found;
}

void
plane_port_link(struct plane_port *sock)
{
    pthread_mutex_lock(&plane.devs_lock);
    sock->next = plane.socks;
    plane.socks = sock;
    pthread_mutex_unlock(&plane.devs_lock);
}

void
plane_port_unlink(struct plane_port *sock)
{
    pthread_mutex_lock(&plane.devs_lock);
    for (struct plane_port **s = &plane.socks; *s != NULL; s = &(*s)->next) {
        if (*s == sock) {
            *s = sock->next;
            break;
        }
    }
    pthread_mutex_unlock(&plane.devs_lock);
}

/* ---- drops
 * ------------------------------------------------------------------------------------------ */

static void
drops_add(struct dco_drops *sum, const struct dco_drops *more)
{
    for (unsigned r = 0; r < DCO_DROP_COUNT; r++)
        sum->count[r] += dco_load(&more->count[r]);
}

void
plane_dev_drops(const struct plane_dev *dev, struct dco_drops *sum)
{
    memset(sum, 0, sizeof(*sum));
    for (unsigned i = 0; i < dev->workers; i++)
        drops_add(sum, &dev->drops[i]);
}

void
plane_drops(struct dco_drops *sum)
{
    *sum = plane.retired;
    drops_add(sum, &housekeeping_drops);
    for (const struct plane_dev *d = plane.devs; d != NULL; d = d->next)
        for (unsigned i = 0; i < d->workers; i++)
            drops_add(sum, &d->drops[i]);
}

/* ---- process life
 * ------------------------------------------------------------------------------------ */

/* The child shares every open file description with the parent: what stays open here would keep the
 * port and the device of an openvpn that is gone. */
void
plane_fork_child(void)
{
    for (struct plane_port *s = plane.socks; s != NULL; s = s->next) {
        for (unsigned i = 0; i < sock_fds(s); i++)
            if (s->fd[i] >= 0)
                sys()->close(s->fd[i]);
        control_queue_fork_child(s->ctrl);
        path_mtu_close(s);
    }
    for (struct plane_dev *d = plane.devs; d != NULL; d = d->next) {
        for (unsigned i = 0; i < d->queues; i++)
            sys()->close(d->tun[i]);
        if (d->query >= 0)
            sys()->close(d->query);
    }
    tun_spares_close();
    routes_fork_child();
    plane.socks = NULL;
    plane.devs = NULL;
}

void
plane_shutdown(void)
{
    while (plane.devs != NULL)
        plane_dev_free(plane.devs);
    plane_stop();
    tun_spares_close();
    routes_close();
}
