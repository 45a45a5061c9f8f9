/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the netlink families need of the process they stand in: devices, sockets, ciphers, time. The
 * codecs hold no state and know no socket, so they run under a fuzzer as they do in the product.
 */
#ifndef DCO_NETLINK_FAMILY_OPS_H
#define DCO_NETLINK_FAMILY_OPS_H

#include "core/control.h"
#include "core/events.h"

/* Key material as it lies in the request; valid during the call only. */
struct nl_key {
    enum dco_cipher cipher;
    size_t len;
    const uint8_t *tx, *rx;           /* len bytes */
    const uint8_t *tx_tail, *rx_tail; /* DCO_NONCE_TAIL_LEN bytes */
};

struct nl_ops {
    void *arg; /* first argument of each function */

    /* -ENODEV: no such interface; -EINVAL: not one of this kind. */
    int (*device)(void *arg, const char *kind, uint32_t ifindex, struct dco_peers **peers);
    /* 0 if fd is a UDP socket, else -ENOTSOCK. */
    int (*socket_check)(void *arg, uint32_t fd);
    /* A reference to the transport behind fd, tied to the device. -ENOTSOCK, -ENOMEM ... */
    int (*transport_get)(void *arg, uint32_t fd, uint32_t ifindex, void **transport);
    void (*transport_put)(void *arg, void *transport);
    /* openvpn may know the remote of a new peer under another address: sets path and origin of req,
     * whose transport is set. May be NULL: it never does. */
    void (*peer_locate)(void *arg, struct dco_peer_new *req);
    /* The peer of req was made. May be NULL. */
    void (*peer_made)(void *arg, const struct dco_peer_new *req);
    /* Local port in network order, 0 if unknown. transport may have been closed. */
    uint16_t (*transport_port)(void *arg, const void *transport);
    /* Keyed ciphers for dco_key_new.crypto. -ENOMEM, or -EINVAL for what this machine's libraries
     * do not offer. Key lengths have been checked. */
    int (*crypto_new)(void *arg, const struct nl_key *key, void **crypto);
    void (*crypto_free)(void *arg, void *crypto);
    uint64_t (*now)(void *arg); /* monotonic, nanoseconds */
};

#endif
