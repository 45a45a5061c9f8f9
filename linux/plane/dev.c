/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/plane/dev_private.h"
#include "linux/plane/grace.h"
#include "linux/plane/housekeeping.h"
#include "linux/plane/mss.h"
#include "linux/plane/platform.h"
#include "linux/plane/port_private.h"
#include "linux/plane/routes.h"
#include "linux/plane/send.h"
#include "linux/plane/threads.h"
#include "linux/plane/train_check.h"
#include "linux/plane/tun.h"
#include "linux/plane/tun_batch.h"
#include "linux/plane/worker.h"
#include "linux/plane/workers.h"
#include "linux/sys/calls.h"
#include "linux/sys/clock.h"
#include "linux/sys/log.h"

/* Of the process: openvpn may make several devices, and notifications of the kernel name any. */
static struct {
    pthread_mutex_t lock; /* plane_devs_lock() */
    struct plane_dev *first;
} devs = {.lock = PTHREAD_MUTEX_INITIALIZER};

void
plane_devs_lock(void)
{
    pthread_mutex_lock(&devs.lock);
}

void
plane_devs_unlock(void)
{
    pthread_mutex_unlock(&devs.lock);
}

static bool
name_valid(const char *name)
{
    size_t len = strnlen(name, IFNAMSIZ);

    return len > 0 && len < IFNAMSIZ && strchr(name, '%') == NULL && strchr(name, '/') == NULL;
}

/* The host routes packets between clients on purpose; redirects would tell clients to bypass it. A
 * failure, as on a read-only /proc, is not an error. */
static void
redirects_off(const char *name)
{
    char path[96];
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/send_redirects", name);
    fd = sys()->open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (sys()->write(fd, "0", 1) != 1)
        log_line(LOG_LEVEL_DEBUG, "cannot switch off redirects on %s", name);
    sys()->close(fd);
}

unsigned
dev_queues(unsigned workers)
{
    unsigned each = TUN_QUEUES_MAX / workers;

    return workers * (each < DEV_QUEUES_EACH ? each : DEV_QUEUES_EACH);
}

static int
dev_watch(struct plane_dev *dev)
{
    int err = 0;

    for (unsigned i = 0; i < dev->queues && err >= 0; i++) {
        struct source source = {.kind = SOURCE_TUN, .fd = dev->tun[i], .dev = dev};
        struct worker *w = workers_get(i);

        worker_enter(w);
        err = worker_add(w, &source);
        worker_leave(w);
    }
    return err < 0 ? err : 0;
}

static void
dev_unwatch(struct plane_dev *dev)
{
    for (unsigned i = 0; i < dev->queues; i++) {
        struct worker *w = workers_get(i);

        worker_enter(w);
        worker_remove(w, dev->tun[i]);
        worker_leave(w);
    }
}

static void
dev_link(struct plane_dev *dev)
{
    plane_devs_lock();
    dev->next = devs.first;
    devs.first = dev;
    plane_devs_unlock();
    housekeeping_wake();
}

static void
dev_unlink(struct plane_dev *dev)
{
    plane_devs_lock();
    for (struct plane_dev **d = &devs.first; *d != NULL; d = &(*d)->next) {
        if (*d == dev) {
            *d = dev->next;
            break;
        }
    }
    routes_detach(dev);
    plane_devs_unlock();
}

static void
dev_offload(struct plane_dev *dev)
{
    for (unsigned i = 0; i < dev->queues; i++)
        tun_offload(dev->tun[i], &dev->tun_tso, &dev->tun_uso);
    log_line(LOG_LEVEL_INFO, "%s: %u queue%s, TCP segmentation %s, UDP segmentation %s", dev->name,
             dev->queues, dev->queues == 1 ? "" : "s", dev->tun_tso ? "on" : "not available",
             dev->tun_uso ? "on" : "not available");
}

static void
dev_peers_free(struct plane_dev *dev)
{
    dco_peers_fini(dev->peers);
    free(dev->peers);
}

/* Makes the peers and watches the queues. The device exists in the kernel. */
static int
dev_open(struct plane_dev *dev)
{
    struct dco_siphash_key secret;
    int err;

    if (getrandom(&secret, sizeof(secret), 0) != sizeof(secret))
        return -EIO;
    dev->peers = platform_alloc(dco_peers_size());
    if (dev->peers == NULL)
        return -ENOMEM;
    dco_peers_init(dev->peers, &plane_env, dev->mode, &secret);
    dev->flow_seed = dco_siphash(&secret, "flow", 4);
    dev_offload(dev);
    if (dev->mode == DCO_MODE_MP)
        redirects_off(dev->name);
    err = dev_watch(dev);
    if (err < 0) {
        dev_unwatch(dev);
        dev_peers_free(dev);
    }
    return err;
}

static void
dev_close_query(const struct plane_dev *dev)
{
    if (dev->query >= 0)
        sys()->close(dev->query);
}

/* Makes the device of the kernel with the queues of each worker, then opens it. */
static int
dev_make(struct plane_dev *dev)
{
    int err;

    dev->workers = workers_decide();
    dev->queues = dev_queues(dev->workers);
    err = tun_new(dev->name, dev->queues, dev->tun, &dev->ifindex);
    if (err < 0)
        return err;
    dev->query = sys()->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    err = dev_open(dev);
    if (err < 0) {
        dev_close_query(dev);
        tun_free(dev->ifindex, dev->queues, dev->tun);
    }
    return err;
}

/* Frees the devices that another process has deleted; openvpn sends no RTM_DELLINK for them. */
static void
devs_reap(void)
{
    struct plane_dev *dev, *next;

    for (dev = devs.first; dev != NULL; dev = next) {
        next = dev->next;
        if (dco_load(&dev->gone))
            plane_dev_free(dev);
    }
}

int
plane_dev_new(const char *name, enum dco_mode mode, struct plane_dev **out)
{
    struct plane_dev *dev;
    int err;

    devs_reap();
    if (!name_valid(name))
        return -EINVAL;
    if (if_nametoindex(name) != 0)
        return -EEXIST; /* before any thread is started: openvpn tries tun0, tun1, ... */
    dev = platform_alloc(sizeof(*dev));
    if (dev == NULL)
        return -ENOMEM;
    snprintf(dev->name, sizeof(dev->name), "%s", name);
    dev->mode = mode;
    dev->kind = "";
    err = threads_start(); /* first: it may find that there is room for fewer workers */
    if (err == 0)
        err = dev_make(dev);
    if (err == 0) {
        dev_link(dev);
        *out = dev;
        return 0;
    }
    free(dev);
    if (devs.first == NULL)
        threads_stop();
    return err;
}

/* First no thread can find the device, then no thread uses it, then it ends. */
void
plane_dev_free(struct plane_dev *dev)
{
    dev_unlink(dev);
    dev_unwatch(dev);
    port_forget_dev(dev);
    grace_synchronize();
    dev_peers_free(dev);
    grace_synchronize();
    tun_free(dco_load(&dev->gone) ? 0 : dev->ifindex, dev->queues, dev->tun);
    dev_close_query(dev);
    drops_retire(dev);
    free(dev);
    if (devs.first == NULL)
        threads_stop();
}

struct plane_dev *
plane_dev_by_index(uint32_t ifindex)
{
    struct plane_dev *d = devs.first;

    while (d != NULL && d->ifindex != ifindex)
        d = d->next;
    return d;
}

struct plane_dev *
plane_dev_by_name(const char *name)
{
    struct plane_dev *d = devs.first;

    while (d != NULL && strcmp(d->name, name) != 0)
        d = d->next;
    return d;
}

struct plane_dev *
plane_dev_next(const struct plane_dev *dev)
{
    return dev == NULL ? devs.first : dev->next;
}

uint32_t
plane_dev_index(const struct plane_dev *dev)
{
    return dev->ifindex;
}

void
plane_dev_set_kind(struct plane_dev *dev, const char *kind, bool floats_told)
{
    dev->kind = kind;
    dev->floats_told = floats_told;
}

void
plane_dev_set_floats(struct plane_dev *dev, bool floats)
{
    dev->fixed = !floats;
}

void
plane_dev_set_options(struct plane_dev *dev, const struct plane_dev_options *options)
{
    mss_fix(options->mssfix);
    if (options->queue_len != 0)
        tun_set_queue_len(dev->name, options->queue_len);
    dco_store(&dev->block_ipv6, options->block_ipv6);
    dco_store(&dev->allow_recursion, options->allow_recursion);
    dco_store(&dev->c2c, options->client_to_client && dev->mode == DCO_MODE_MP);
}

const char *
plane_dev_kind(const struct plane_dev *dev)
{
    return dev->kind;
}

struct dco_peers *
plane_dev_peers(struct plane_dev *dev)
{
    return dev->peers;
}

/* Uses dev->query, because the status thread may not make a socket. */
void
plane_dev_status(struct plane_dev *dev, struct plane_dev_status *status)
{
    struct ifreq ifr = {.ifr_ifindex = (int)dev->ifindex};

    memset(status, 0, sizeof(*status));
    if (ioctl(dev->query, SIOCGIFNAME, &ifr) < 0) /* else it may have been renamed */
        snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev->name);
    snprintf(status->name, sizeof(status->name), "%s", ifr.ifr_name);
    if (ioctl(dev->query, SIOCGIFMTU, &ifr) == 0)
        status->mtu = (unsigned)ifr.ifr_mtu;
    status->ifindex = dev->ifindex;
    status->mode = dev->mode;
    status->tun_tso = dev->tun_tso;
    status->tun_uso = dev->tun_uso;
    status->udp_gso = send_gso_works();
    status->udp_gso_equal = status->udp_gso && send_gso_equal_works();
    status->trainless = train_check_count(dev, clock_now_ns());
    status->tun_batch = tun_batch_works();
    for (struct plane_port *p = port_next(NULL); p != NULL; p = port_next(p))
        if (dco_load_acquire(&p->dev) == dev) { /* its const fields were written before */
            status->udp_gro = p->udp_gro;
            status->udp_sockets += 1 + p->n;
        }
}

void
dev_fork_child(void)
{
    for (struct plane_dev *d = devs.first; d != NULL; d = d->next) {
        for (unsigned i = 0; i < d->queues; i++)
            sys()->close(d->tun[i]);
        dev_close_query(d);
    }
    devs.first = NULL;
}
