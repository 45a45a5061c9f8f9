/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The content of a netlink message, in one form for all families. The tables of a family (schema.h)
 * name the field for each attribute. Requests are read into a struct nl_message; replies and
 * notifications are filled from one.
 *
 * In a zeroed message nothing is given. Pointers point into the request and are valid as long as
 * it.
 */
#ifndef DCO_NETLINK_MESSAGE_H
#define DCO_NETLINK_MESSAGE_H

#include "core/addr.h"

/* An integer of any width. Ports are in network order, all others in host order. */
struct nl_number {
    bool given;
    uint64_t value;
};

struct nl_bytes {
    const uint8_t *data; /* NULL: not given */
    size_t len;
};

/* One direction of a key. */
struct nl_direction {
    struct nl_bytes key, tail;
};

/* An address or endpoint that is not given has the family 0. */
struct nl_message {
    struct nl_number ifindex;

    struct nl_number peer_id, tx_id;
    struct nl_number fd; /* of the UDP socket */
    struct dco_ip vpn4, vpn6;
    struct nl_number interval_s, timeout_s; /* keepalive */
    struct nl_number del_reason;            /* one of enum dco_del_reason */

    /* The transport in the form of ovpn-dco-v2 and of the commands. */
    struct dco_endpoint remote;
    struct dco_ip local;
    struct nl_number local_port;
    /* The transport in the form of `ovpn`. */
    struct dco_ip remote4, remote6, local4, local6;
    struct nl_number remote_port, remote_scope;

    /* Traffic inside the tunnel, and of UDP. */
    struct nl_number vpn_rx_bytes, vpn_tx_bytes, vpn_rx_packets, vpn_tx_packets;
    struct nl_number link_rx_bytes, link_tx_bytes, link_rx_packets, link_tx_packets;

    struct nl_number slot, key_id, cipher;
    struct nl_direction encrypt, decrypt;
};

/* Copies remote and local into the fields in the form of `ovpn`. */
void nl_path_split(struct nl_message *message);

static inline struct nl_number
nl_number(uint64_t value)
{
    return (struct nl_number){.given = true, .value = value};
}

#endif
