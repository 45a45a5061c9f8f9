/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/doorway/host.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "linux/crypto/aead.h"
#include "linux/crypto/secret.h"
#include "linux/doorway/udp.h"
#include "linux/plane/log.h"
#include "linux/plane/plane.h"

static int
host_device(void *arg, const char *kind, uint32_t ifindex, struct dco_peers **peers)
{
    struct plane_dev *dev = plane_dev_by_index(ifindex);
    char name[IF_NAMESIZE];

    (void)arg;
    if (!dev)
        return if_indextoname(ifindex, name) ? -EINVAL : -ENODEV;
    if (strcmp(plane_dev_kind(dev), kind) != 0)
        return -EINVAL;
    *peers = plane_dev_peers(dev);
    return 0;
}

static int
host_socket_check(void *arg, uint32_t fd)
{
    (void)arg;
    return fd > INT32_MAX ? -ENOTSOCK : udp_check((int)fd);
}

static int
host_transport_get(void *arg, uint32_t fd, uint32_t ifindex, void **transport)
{
    struct plane_dev *dev = plane_dev_by_index(ifindex);
    struct plane_sock *sock;
    int error;

    (void)arg;
    if (!dev)
        return -ENODEV;
    error = udp_transport((int)fd, dev, &sock);
    if (!error)
        *transport = sock;
    return error;
}

static void
host_transport_put(void *arg, void *transport)
{
    (void)arg;
    plane_sock_put(transport);
}

static void
host_peer_locate(void *arg, struct dco_peer_new *req)
{
    (void)arg;
    plane_sock_peer_locate(req->transport, req);
}

static void
host_peer_made(void *arg, const struct dco_peer_new *req)
{
    (void)arg;
    plane_sock_peer_made(req->transport, req);
}

static uint16_t
host_transport_port(void *arg, const void *transport)
{
    (void)arg;
    return udp_port(transport);
}

/* Once: it does not change for the better by itself. */
static void
warn_if_unlocked(void)
{
    static bool said; /* door lock */
    struct dco_secret_stats stats;

    if (said)
        return;
    dco_secret_stats(&stats);
    said = stats.unlocked > 0;
    if (said)
        dco_log(DCO_LOG_WARN, "keys lie in memory that could not be locked, so they may be swapped "
                              "out to disk: raise the limit on locked memory (LimitMEMLOCK=64M in "
                              "the unit, ulimit -l)");
}

static int
host_crypto_new(void *arg, const struct abi_key *key, void **crypto)
{
    const char *wish = getenv("OPENDCO_AEAD");

    (void)arg;
    *crypto = dco_aead_new(key->cipher, key->tx, key->rx, key->len, key->tx_tail, key->rx_tail,
                           plane_lanes());
    if (*crypto) {
        warn_if_unlocked();
        dco_log(DCO_LOG_DEBUG, "a key of %zu bits, by %s", key->len * 8, dco_aead_backend(*crypto));
        return 0;
    }
    if (errno != EINVAL)
        return -ENOMEM;
    if (wish && *wish)
        dco_log(DCO_LOG_ERROR, "OPENDCO_AEAD: '%s' does not exist or lacks this cipher", wish);
    return -EINVAL;
}

static void
host_crypto_free(void *arg, void *crypto)
{
    (void)arg;
    dco_aead_free(crypto);
}

static uint64_t
host_now(void *arg)
{
    struct timespec ts;

    (void)arg;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

const struct abi_host host_abi = {
    .device = host_device,
    .socket_check = host_socket_check,
    .transport_get = host_transport_get,
    .transport_put = host_transport_put,
    .peer_locate = host_peer_locate,
    .peer_made = host_peer_made,
    .transport_port = host_transport_port,
    .crypto_new = host_crypto_new,
    .crypto_free = host_crypto_free,
    .now = host_now,
};
