/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/iroutes.h"

#include <errno.h>
#include <linux/ipv6_route.h>
#include <pthread.h>
#include <sys/random.h>

#include "core/atomic.h"
#include "linux/plane/dev_private.h"
#include "linux/plane/housekeeping.h"
#include "linux/plane/route_store.h"

static struct {
    pthread_mutex_t lock;    /* guards the next three */
    bool ready;              /* the stores are initialised */
    struct route_store kept; /* iroutes; the hop names the device */
    struct route_store own;  /* openvpn's routes of the host; the hop has no device */
    bool changed;            /* atomic */
} iroutes = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int
get_ready(void)
{
    struct dco_siphash_key secret[2];

    if (iroutes.ready)
        return 0;
    if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
        return -EIO;
    route_store_init(&iroutes.kept, &secret[0]);
    route_store_init(&iroutes.own, &secret[1]);
    iroutes.ready = true;
    return 0;
}

static void
tell(void)
{
    dco_store_release(&iroutes.changed, true);
    housekeeping_wake();
}

/* Clears the bits beyond the length. Returns whether there were any. */
static bool
clear_rest(struct route_key *key)
{
    struct dco_ip before = key->prefix;
    unsigned bytes = key->len / 8;

    if (bytes < sizeof(key->prefix.addr)) {
        key->prefix.addr[bytes] &= (uint8_t) ~(0xff >> key->len % 8);
        memset(&key->prefix.addr[bytes + 1], 0, sizeof(key->prefix.addr) - bytes - 1);
    }
    return !dco_ip_equal(&before, &key->prefix);
}

int
plane_iroute_add(struct plane_dev *dev, const struct route_key *key, const struct dco_ip *gateway)
{
    struct route_hop hop = {.ifindex = dev->ifindex, .gateway = *gateway};
    struct route_key clean = *key;
    int err;

    if (clear_rest(&clean) && clean.prefix.family == 4)
        return -EINVAL;
    pthread_mutex_lock(&iroutes.lock);
    err = get_ready();
    if (err == 0)
        err = route_store_hold(&iroutes.kept, &clean, &hop);
    pthread_mutex_unlock(&iroutes.lock);
    if (err == 0)
        tell();
    return err;
}

bool
plane_iroute_del(struct plane_dev *dev, const struct route_key *key, const struct dco_ip *gateway)
{
    struct route_hop hop = {.ifindex = dev->ifindex, .gateway = *gateway};
    struct route_key clean = *key;
    bool known;

    (void)clear_rest(&clean);
    pthread_mutex_lock(&iroutes.lock);
    known = route_store_release(&iroutes.kept, &clean, &hop);
    pthread_mutex_unlock(&iroutes.lock);
    if (known)
        tell();
    return known;
}

/* Those without a gateway are only remembered. */
static bool
leads_to_peer(const struct route_key *key, const struct route_hop *hop)
{
    (void)key;
    return hop->gateway.family != 0;
}

int
iroutes_list(uint32_t ifindex, struct dco_route **routes, size_t *n)
{
    int err;

    pthread_mutex_lock(&iroutes.lock);
    err = route_store_list(&iroutes.kept, ifindex, leads_to_peer, routes, n);
    pthread_mutex_unlock(&iroutes.lock);
    return err;
}

bool
iroutes_changed(void)
{
    return dco_exchange(&iroutes.changed, false);
}

void
iroutes_forget(uint32_t ifindex)
{
    pthread_mutex_lock(&iroutes.lock);
    route_store_forget(&iroutes.kept, ifindex);
    pthread_mutex_unlock(&iroutes.lock);
}

/* openvpn's own routes */

/* The key as the kernel will report it. */
static struct route_key
reported(const struct route_key *key)
{
    struct route_key clean = *key;

    (void)clear_rest(&clean);
    if (clean.prefix.family == 6 && clean.metric == 0)
        clean.metric = IP6_RT_PRIO_USER;
    return clean;
}

void
plane_route_asked(const struct route_key *key, const struct dco_ip *gateway)
{
    struct route_hop hop = {.gateway = *gateway};
    struct route_key clean = reported(key);
    bool added = false;

    pthread_mutex_lock(&iroutes.lock);
    if (get_ready() == 0 && !route_store_has(&iroutes.own, &clean, &hop))
        added = route_store_hold(&iroutes.own, &clean, &hop) == 0;
    pthread_mutex_unlock(&iroutes.lock);
    if (added)
        tell();
}

bool
iroutes_are_own(const struct route_key *key, const struct dco_ip *gateway)
{
    struct route_hop hop = {.gateway = *gateway};
    bool own;

    pthread_mutex_lock(&iroutes.lock);
    own = route_store_has(&iroutes.own, key, &hop);
    pthread_mutex_unlock(&iroutes.lock);
    return own;
}

void
iroutes_own_deleted(const struct route_key *key, const struct dco_ip *gateway)
{
    struct route_hop hop = {.gateway = *gateway};

    pthread_mutex_lock(&iroutes.lock);
    (void)route_store_release(&iroutes.own, key, &hop);
    pthread_mutex_unlock(&iroutes.lock);
}
