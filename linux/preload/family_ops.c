/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/family_ops.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "linux/crypto/aead.h"
#include "linux/crypto/secret.h"
#include "linux/plane/plane.h"
#include "linux/preload/tcp.h"
#include "linux/preload/udp.h"
#include "linux/sys/clock.h"
#include "linux/sys/log.h"
#include "linux/sys/setting_rules.h"

static int
ops_device(const char *kind, uint32_t ifindex, struct dco_peers **peers)
{
    struct plane_dev *dev = plane_dev_by_index(ifindex);
    char name[IF_NAMESIZE];

    if (dev == NULL)
        return if_indextoname(ifindex, name) != NULL ? -EINVAL : -ENODEV;
    if (strcmp(plane_dev_kind(dev), kind) != 0)
        return -EINVAL;
    *peers = plane_dev_peers(dev);
    return 0;
}

static int
ops_socket_check(uint32_t fd)
{
    if (fd > INT32_MAX)
        return -ENOTSOCK;
    if (udp_check((int)fd) == 0)
        return NL_SOCKET_UDP;
    return tcp_check((int)fd) == 0 ? NL_SOCKET_TCP : -ENOTSOCK;
}

static int
ops_transport_get(uint32_t fd, uint32_t ifindex, void **transport)
{
    struct plane_dev *dev = plane_dev_by_index(ifindex);
    struct plane_port *port;
    int err;

    if (dev == NULL)
        return -ENODEV;
    err = ops_socket_check(fd) == NL_SOCKET_TCP ? tcp_transport((int)fd, dev, &port)
                                                : udp_transport((int)fd, dev, &port);
    if (err == 0)
        *transport = port;
    return err;
}

static void
ops_transport_put(void *transport)
{
    plane_port_put(transport);
}

static void
ops_peer_locate(struct dco_peer_new *req)
{
    plane_port_peer_locate(req->transport, req);
}

static void
ops_peer_made(const struct dco_peer_new *req)
{
    plane_port_peer_made(req->transport, req);
}

static uint16_t
ops_transport_port(const void *transport)
{
    return plane_port_number(transport);
}

/* Once per process: the limit does not rise by itself. */
static void
warn_if_unlocked(void)
{
    static bool warned; /* preload lock */
    struct secret_stats stats;

    if (warned)
        return;
    secret_stats(&stats);
    warned = stats.unlocked > 0;
    if (warned)
        log_line(LOG_LEVEL_WARN,
                 "keys lie in memory that could not be locked, so they may be swapped "
                 "out to disk: raise the limit on locked memory (LimitMEMLOCK=64M in "
                 "the unit, ulimit -l)");
}

static int
ops_crypto_new(const struct nl_key *key, void **crypto)
{
    const char *backend = setting_override(OVERRIDE_AEAD);

    *crypto = aead_new(key->cipher, key->tx, key->rx, key->len, key->tx_tail, key->rx_tail,
                       plane_key_threads());
    if (*crypto != NULL) {
        warn_if_unlocked();
        log_line(LOG_LEVEL_DEBUG, "a key of %zu bits, by %s", key->len * 8, aead_backend(*crypto));
        return 0;
    }
    if (errno != EINVAL)
        return -ENOMEM;
    if (backend != NULL)
        log_line(LOG_LEVEL_ERROR,
                 "OPENDCO_AEAD: '%s' does not exist or lacks this cipher, so the key is refused: "
                 "correct or remove the variable",
                 backend);
    return -EINVAL;
}

static void
ops_crypto_free(void *crypto)
{
    aead_free(crypto);
}

const struct nl_ops family_ops = {
    .device = ops_device,
    .socket_check = ops_socket_check,
    .transport_get = ops_transport_get,
    .transport_put = ops_transport_put,
    .peer_locate = ops_peer_locate,
    .peer_made = ops_peer_made,
    .transport_port = ops_transport_port,
    .crypto_new = ops_crypto_new,
    .crypto_free = ops_crypto_free,
    .now = clock_now_ns,
};
