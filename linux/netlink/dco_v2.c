/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/dco_v2.h"

#include <netinet/in.h>

#include "linux/netlink/commands.h"

/* Requests may hold the nests of other commands besides their own; only their own is read. */
#define ANY UINT32_MAX

/* What messages to openvpn hold. */
#define GET_PEER NL_COMMAND(DCO_V2_GET_PEER)
#define DEL_PEER NL_COMMAND(DCO_V2_DEL_PEER)

/* Attributes */

static const struct nl_attr new_peer_rows[] = {
    {1, "peer-id", NL_U32, NL_FIELD(peer_id), .in = ANY},
    {2, "sockaddr-remote", NL_BINARY, NL_FIELD(remote), .min = sizeof(struct sockaddr), .in = ANY},
    {3, "socket", NL_U32, NL_FIELD(fd), .in = ANY},
    {4, "ipv4", NL_U32, NL_FIELD(vpn4), .in = ANY},
    {5, "ipv6", NL_BINARY, NL_FIELD(vpn6), NL_LENGTH(16), .in = ANY},
    {6, "local-ip", NL_BINARY, NL_FIELD(local), .max = 16, .in = ANY},
};

static const struct nl_attr set_peer_rows[] = {
    {1, "peer-id", NL_U32, NL_FIELD(peer_id), .in = ANY},
    {2, "keepalive-interval", NL_U32, NL_FIELD(interval_s), .in = ANY},
    {3, "keepalive-timeout", NL_U32, NL_FIELD(timeout_s), .in = ANY},
};

static const struct nl_attr del_peer_rows[] = {
    {1, "reason", NL_U8, NL_FIELD(del_reason), .max = DCO_DEL_TRANSPORT_DISCONNECT, .in = ANY,
     .out = DEL_PEER},
    {2, "peer-id", NL_U32, NL_FIELD(peer_id), .in = ANY, .out = DEL_PEER},
};

static const struct nl_attr direction_rows[] = {
    {1, "cipher-key", NL_BINARY, NL_FIELD_OF(struct nl_direction, key), .max = 255, .in = ANY},
    {2, "nonce-tail", NL_BINARY, NL_FIELD_OF(struct nl_direction, tail),
     NL_LENGTH(DCO_NONCE_TAIL_LEN), .in = ANY},
};
static const struct nl_set direction = NL_SET("key-direction", direction_rows);

static const struct nl_attr new_key_rows[] = {
    {1, "peer-id", NL_U32, NL_FIELD(peer_id), .in = ANY},
    {2, "key-slot", NL_U8, NL_FIELD(slot), .max = DCO_SLOT_SECONDARY, .in = ANY},
    {3, "key-id", NL_U8, NL_FIELD(key_id), .in = ANY},
    {4, "cipher-alg", NL_U16, NL_FIELD(cipher), .in = ANY},
    {5, "encrypt-key", NL_NEST, NL_FIELD(encrypt), .nest = &direction, .in = ANY},
    {6, "decrypt-key", NL_NEST, NL_FIELD(decrypt), .nest = &direction, .in = ANY},
};

static const struct nl_attr swap_keys_rows[] = {
    {1, "peer-id", NL_U32, NL_FIELD(peer_id), .in = ANY},
};

static const struct nl_attr del_key_rows[] = {
    {1, "peer-id", NL_U32, NL_FIELD(peer_id), .in = ANY},
    {2, "key-slot", NL_U8, NL_FIELD(slot), .max = DCO_SLOT_SECONDARY, .in = ANY},
};

/* In the order in which the driver fills them. */
static const struct nl_attr get_peer_rows[] = {
    {1, "peer-id", NL_U32, NL_FIELD(peer_id), .in = ANY, .out = GET_PEER},
    {3, "ipv4", NL_U32, NL_FIELD(vpn4), .out = GET_PEER},
    {4, "ipv6", NL_BINARY, NL_FIELD(vpn6), .out = GET_PEER},
    {7, "keepalive-interval", NL_U32, NL_FIELD(interval_s), .out = GET_PEER},
    {8, "keepalive-timeout", NL_U32, NL_FIELD(timeout_s), .out = GET_PEER},
    {2, "sockaddr-remote", NL_BINARY, NL_FIELD(remote), .out = GET_PEER},
    {5, "local-ip", NL_BINARY, NL_FIELD(local), .out = GET_PEER},
    {6, "local-port", NL_U16, NL_FIELD(local_port), .out = GET_PEER},
    {9, "vpn-rx-bytes", NL_U64, NL_FIELD(vpn_rx_bytes), .out = GET_PEER},
    {11, "vpn-rx-packets", NL_U32, NL_FIELD(vpn_rx_packets), .out = GET_PEER},
    {10, "vpn-tx-bytes", NL_U64, NL_FIELD(vpn_tx_bytes), .out = GET_PEER},
    {12, "vpn-tx-packets", NL_U32, NL_FIELD(vpn_tx_packets), .out = GET_PEER},
    {13, "link-rx-bytes", NL_U64, NL_FIELD(link_rx_bytes), .out = GET_PEER},
    {15, "link-rx-packets", NL_U32, NL_FIELD(link_rx_packets), .out = GET_PEER},
    {14, "link-tx-bytes", NL_U64, NL_FIELD(link_tx_bytes), .out = GET_PEER},
    {16, "link-tx-packets", NL_U32, NL_FIELD(link_tx_packets), .out = GET_PEER},
};

static const struct nl_set new_peer = NL_SET("new-peer", new_peer_rows);
static const struct nl_set set_peer = NL_SET("set-peer", set_peer_rows);
static const struct nl_set del_peer = NL_SET("del-peer", del_peer_rows);
static const struct nl_set new_key = NL_SET("new-key", new_key_rows);
static const struct nl_set swap_keys = NL_SET("swap-keys", swap_keys_rows);
static const struct nl_set del_key = NL_SET("del-key", del_key_rows);
static const struct nl_set get_peer = NL_SET("get-peer", get_peer_rows);

static const struct nl_attr top_rows[] = {
    {NL_A_IFINDEX, "ifindex", NL_U32, NL_FIELD(ifindex), .in = ANY, .out = DEL_PEER},
    {DCO_V2_A_NEW_PEER, "new-peer", NL_NEST, NL_SAME(new_peer), .in = ANY},
    {DCO_V2_A_SET_PEER, "set-peer", NL_NEST, NL_SAME(set_peer), .in = ANY},
    {DCO_V2_A_DEL_PEER, "del-peer", NL_NEST, NL_SAME(del_peer), .in = ANY, .out = DEL_PEER},
    {DCO_V2_A_NEW_KEY, "new-key", NL_NEST, NL_SAME(new_key), .in = ANY},
    {DCO_V2_A_SWAP_KEYS, "swap-keys", NL_NEST, NL_SAME(swap_keys), .in = ANY},
    {DCO_V2_A_DEL_KEY, "del-key", NL_NEST, NL_SAME(del_key), .in = ANY},
    {DCO_V2_A_GET_PEER, "get-peer", NL_NEST, NL_SAME(get_peer), .in = ANY, .out = GET_PEER},
};
static const struct nl_set top = NL_SET("ovpn-dco-v2", top_rows);

/* Commands */

static const struct nl_command commands[] = {
    [DCO_V2_NEW_PEER] = {"new-peer", .run = nl_peer_new, .nest = DCO_V2_A_NEW_PEER},
    [DCO_V2_SET_PEER] = {"set-peer", .run = nl_peer_set, .nest = DCO_V2_A_SET_PEER},
    [DCO_V2_DEL_PEER] = {"del-peer", .run = nl_peer_del, .nest = DCO_V2_A_DEL_PEER,
                         .event = DCO_EVENT_DEL},
    [DCO_V2_NEW_KEY] = {"new-key", .run = nl_key_new, .nest = DCO_V2_A_NEW_KEY, .secret = true},
    [DCO_V2_SWAP_KEYS] = {"swap-keys", .run = nl_key_swap, .nest = DCO_V2_A_SWAP_KEYS},
    [DCO_V2_DEL_KEY] = {"del-key", .run = nl_key_del, .nest = DCO_V2_A_DEL_KEY},
    [DCO_V2_GET_PEER] = {"get-peer", .run = nl_peer_get, .nest = DCO_V2_A_GET_PEER, .dump = true},
};

const struct nl_family nl_dco_v2 = {
    .name = DCO_V2_NAME,
    .link_kind = "ovpn-dco",
    .family_id = DCO_V2_FAMILY_ID,
    .group_id = DCO_V2_FAMILY_ID,
    .version = 1,
    .commands = sizeof(commands) / sizeof(commands[0]),
    .command = commands,
    .top = &top,
    .peer_new = DCO_V2_NEW_PEER,
    .peer_del = DCO_V2_DEL_PEER,
};
