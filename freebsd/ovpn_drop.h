/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drop reasons that only this driver has, numbered on from those of core/drop.h, and the one way to
 * count a drop of either list.
 *
 * X(symbol, name of the counter, text), as in core/drop.h. The sysctl net.link.openvpn.drops and
 * the drop probe have the name; DIAGNOSTICS in ovpn(4) has an item for each name, and
 * tests/drop-reasons compares.
 */
#ifndef OVPN_DROP_H
#define OVPN_DROP_H

#include "../core/drop.h"

/* Received packets. */
#define OVPN_DROP_RX_LIST(X)                                                                       \
    X(RX_NO_BUFFER, "rx_no_buffer", "no memory to decrypt")                                        \
    X(RX_CRYPTO, "rx_crypto", "the crypto driver failed")                                          \
    X(RX_LOOP, "rx_loop", "the packet came through its own tunnel, or through too many tunnels")   \
    X(RX_QUEUE, "rx_queue", "the network stack did not take the packet")

/* Packets to send. */
#define OVPN_DROP_TX_LIST(X)                                                                       \
    X(TX_DOWN, "tx_down", "the interface has not been started")                                    \
    X(TX_LOOP, "tx_loop", "the route to the peer leads through its own tunnel, or through too many")

#define OVPN_DROP_LIST(X) OVPN_DROP_RX_LIST(X) OVPN_DROP_TX_LIST(X)

enum ovpn_drop {
    OVPN_DROP_BEFORE_FIRST = DCO_DROP_COUNT - 1,
#define OVPN_DROP_ENUM(symbol, name, text) OVPN_DROP_##symbol,
    OVPN_DROP_LIST(OVPN_DROP_ENUM)
#undef OVPN_DROP_ENUM
        OVPN_DROP_COUNT,
};

/* The name of any reason below OVPN_DROP_COUNT. */
const char *ovpn_drop_name(unsigned reason);

/* True for a reason that concerns received packets. */
bool ovpn_drop_is_rx(unsigned reason);

struct ovpn_softc;
struct mbuf;

/* Counts, fires the drop probe, and frees m (which may be NULL). Always returns reason. */
unsigned ovpn_drop(struct ovpn_softc *sc, struct mbuf *m, unsigned reason);

#endif
