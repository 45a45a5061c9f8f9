/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reasons for which packets are dropped. The enum, the names of the counters and their texts
 * come from one list. Every dropped packet is counted once, under exactly one reason.
 *
 * X(symbol, name of the counter, text). `opendco status` prints name and text; DIAGNOSTICS in
 * opendco(8) has an item for each name that begins with the text, and tests/drop-reasons compares.
 */
#ifndef DCO_DROP_H
#define DCO_DROP_H

#include "dco_os.h"

/* Received packets. */
#define DCO_DROP_RX_LIST(X)                                                                        \
    /* received from the network, before authentication */                                         \
    X(RX_SHORT, "rx_short", "the datagram is too short for a data packet")                         \
    X(RX_DATA_V1, "rx_data_v1", "the data packet has no peer id (P_DATA_V1)")                      \
    X(RX_NO_PEER, "rx_no_peer", "no peer has the peer id of the packet")                           \
    X(RX_NO_KEY, "rx_no_key", "the peer has no key with the key id of the packet")                 \
    X(RX_ADDRESS, "rx_address", "the packet is not from the peer's address, and float is off")     \
    X(RX_AUTH, "rx_auth", "authentication failed: a forged or damaged packet, or another key")     \
    X(RX_KEY_LIMIT, "rx_key_limit", "the key has reached its limit of failed authentications")     \
    /* received, authentic */                                                                      \
    X(RX_ID_ZERO, "rx_id_zero", "the packet id is 0, which is never sent")                         \
    X(RX_REPLAY, "rx_replay", "the packet id was already received")                                \
    X(RX_LATE, "rx_late", "the packet id is older than the replay window")                         \
    X(RX_EMPTY, "rx_empty", "the inner packet is empty")                                           \
    X(RX_NOT_IP, "rx_not_ip", "the inner packet is not well-formed IPv4 or IPv6")                  \
    X(RX_OCC, "rx_occ", "the message is for openvpn, which does not get it with offload")          \
    X(RX_SOURCE, "rx_source", "the inner source address does not belong to the peer")              \
    X(RX_TUN, "rx_tun", "the tun device refused the packet")                                       \
    /* control packets on their way to openvpn */                                                  \
    X(RX_CTRL_QUEUE, "rx_ctrl_queue", "the queue of control packets to openvpn is full")

/* Packets to send. */
#define DCO_DROP_TX_LIST(X)                                                                        \
    X(TX_NOT_IP, "tx_not_ip", "the packet to send is not well-formed IPv4 or IPv6")                \
    X(TX_BAD_GSO, "tx_bad_gso", "the super-packet has an inconsistent segmentation header")        \
    X(TX_NO_PEER, "tx_no_peer", "no peer owns the destination address")                            \
    X(TX_NO_KEY, "tx_no_key", "the peer has no key to encrypt with")                               \
    X(TX_KEY_LIMIT, "tx_key_limit", "the key has reached its limit of packets or bytes")           \
    X(TX_CRYPTO, "tx_crypto", "encryption failed")                                                 \
    X(TX_TOO_BIG, "tx_too_big", "the packet does not fit into one datagram")                       \
    X(TX_NO_BUFFER, "tx_no_buffer", "no memory or no socket buffer space to send")                 \
    X(TX_UNREACHABLE, "tx_unreachable", "no route to the peer's transport address")                \
    X(TX_ERROR, "tx_error", "sending failed for another reason")                                   \
    X(TX_STREAM_FULL, "tx_stream_full", "the peer's TCP connection takes no more at present")      \
    X(TX_RECURSIVE, "tx_recursive", "the packet is the tunnel's own, routed back into the tunnel") \
    X(TX_BLOCKED, "tx_blocked", "the packet is IPv6, and block-ipv6 is on")                        \
    X(TX_MULTICAST, "tx_multicast", "too many copies of multicast packets at once")

#define DCO_DROP_LIST(X) DCO_DROP_RX_LIST(X) DCO_DROP_TX_LIST(X)

enum dco_drop {
#define DCO_DROP_ENUM(symbol, name, text) DCO_DROP_##symbol,
    DCO_DROP_LIST(DCO_DROP_ENUM)
#undef DCO_DROP_ENUM
        DCO_DROP_COUNT,
    DCO_DROP_NONE = DCO_DROP_COUNT,
};

/* One set of counters; owned by one worker, read by anyone with dco_load(). */
struct dco_drops {
    uint64_t count[DCO_DROP_COUNT];
};

/* For every reason below DCO_DROP_COUNT, as in the list. */
const char *dco_drop_name(enum dco_drop reason);
const char *dco_drop_text(enum dco_drop reason);

/* The reason for a packet that the network stack refused to send with err (a positive errno). */
enum dco_drop dco_drop_of_send(int err);

#endif
