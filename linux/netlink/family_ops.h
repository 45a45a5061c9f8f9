/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the netlink families need from the process: devices, sockets, ciphers, time. The families
 * themselves hold no state and use no socket, so they run under a fuzzer as in the product.
 */
#ifndef DCO_NETLINK_FAMILY_OPS_H
#define DCO_NETLINK_FAMILY_OPS_H

#include "core/control.h"
#include "core/events.h"

/* Key material in the request; valid during the call only. */
struct nl_key {
    enum dco_cipher cipher;
    size_t len;
    const uint8_t *tx, *rx;           /* len bytes */
    const uint8_t *tx_tail, *rx_tail; /* DCO_NONCE_TAIL_LEN bytes */
};

/* A TCP socket is connected, so it is the peer's address as well. */
enum nl_socket { NL_SOCKET_UDP, NL_SOCKET_TCP };

struct nl_ops {
    /* -ENODEV if there is no such interface, -EINVAL if it is not of this kind. */
    int (*device)(const char *kind, uint32_t ifindex, struct dco_peers **peers);
    /* Which transport fd is, enum nl_socket, or -ENOTSOCK. */
    int (*socket_check)(uint32_t fd);
    /* Takes a reference to the transport behind fd, for the device. -ENOTSOCK, -ENOMEM ... */
    int (*transport_get)(uint32_t fd, uint32_t ifindex, void **transport);
    void (*transport_put)(void *transport);
    /* openvpn may know the remote of a new peer under another address. Sets path and origin of req,
     * whose transport is set, in that case. May be NULL if that cannot happen. */
    void (*peer_locate)(struct dco_peer_new *req);
    /* Called after the peer of req was made. May be NULL. */
    void (*peer_made)(const struct dco_peer_new *req);
    /* The local port in network order, 0 if unknown. transport may have been closed. */
    uint16_t (*transport_port)(const void *transport);
    /* Makes the keyed ciphers for dco_key_new.crypto. The key lengths have been checked. -ENOMEM,
     * or -EINVAL if this machine's libraries lack the cipher. */
    int (*crypto_new)(const struct nl_key *key, void **crypto);
    void (*crypto_free)(void *crypto);
    uint64_t (*now)(void); /* monotonic, nanoseconds */
};

#endif
