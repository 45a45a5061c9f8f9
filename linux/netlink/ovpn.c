/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/ovpn.h"

#include <errno.h>

#include "linux/netlink/commands.h"

/* Requests */
#define PEER_NEW      NL_COMMAND(OVPN_PEER_NEW)
#define PEER_SET      NL_COMMAND(OVPN_PEER_SET)
#define SETTABLE      (PEER_NEW | PEER_SET)
#define PEER_REQUESTS (SETTABLE | PEER_GET | NL_COMMAND(OVPN_PEER_DEL))
#define KEY_NEW       NL_COMMAND(OVPN_KEY_NEW)
#define SLOT_REQUESTS (KEY_NEW | KEY_GET | NL_COMMAND(OVPN_KEY_DEL))
#define KEY_REQUESTS  (SLOT_REQUESTS | NL_COMMAND(OVPN_KEY_SWAP))

/* Replies and notifications */
#define PEER_GET      NL_COMMAND(OVPN_PEER_GET)
#define DEL_NTF       NL_COMMAND(OVPN_PEER_DEL_NTF)
#define FLOAT_NTF     NL_COMMAND(OVPN_PEER_FLOAT_NTF)
#define PEER_MESSAGES (PEER_GET | DEL_NTF | FLOAT_NTF)
#define KEY_GET       NL_COMMAND(OVPN_KEY_GET)
#define SWAP_NTF      NL_COMMAND(OVPN_KEY_SWAP_NTF)
#define NOTIFICATIONS (DEL_NTF | FLOAT_NTF | SWAP_NTF)

/* Attributes */

static const struct nl_attr peer_rows[] = {
    {15, "del-reason", NL_U32, NL_FIELD(del_reason), .out = DEL_NTF},
    {1, "id", NL_U32, NL_FIELD(peer_id), .max = DCO_PEER_ID_MAX, .in = PEER_REQUESTS,
     .out = PEER_MESSAGES},
    {24, "tx-id", NL_U32, NL_FIELD(tx_id), .max = DCO_PEER_ID_MAX, .in = SETTABLE, .out = PEER_GET},
    {8, "vpn-ipv4", NL_U32, NL_FIELD(vpn4), .in = SETTABLE, .out = PEER_GET},
    {9, "vpn-ipv6", NL_BINARY, NL_FIELD(vpn6), NL_LENGTH(16), .in = SETTABLE, .out = PEER_GET},
    {13, "keepalive-interval", NL_U32, NL_FIELD(interval_s), .in = SETTABLE, .out = PEER_GET},
    {14, "keepalive-timeout", NL_U32, NL_FIELD(timeout_s), .in = SETTABLE, .out = PEER_GET},
    {2, "remote-ipv4", NL_U32, NL_FIELD(remote4), .in = SETTABLE, .out = PEER_GET | FLOAT_NTF},
    {3, "remote-ipv6", NL_BINARY, NL_FIELD(remote6), NL_LENGTH(16), .in = SETTABLE,
     .out = PEER_GET | FLOAT_NTF},
    {4, "remote-ipv6-scope-id", NL_U32, NL_FIELD(remote_scope), .in = SETTABLE,
     .out = PEER_GET | FLOAT_NTF},
    {5, "remote-port", NL_U16, NL_FIELD(remote_port), .min = 1, .in = SETTABLE,
     .out = PEER_GET | FLOAT_NTF},
    {6, "socket", NL_U32, NL_FIELD(fd), .in = PEER_NEW},
    {.number = 7, .name = "socket-netnsid", .type = NL_UNUSED},
    {10, "local-ipv4", NL_U32, NL_FIELD(local4), .in = SETTABLE, .out = PEER_GET},
    {11, "local-ipv6", NL_BINARY, NL_FIELD(local6), NL_LENGTH(16), .in = SETTABLE, .out = PEER_GET},
    {12, "local-port", NL_U16, NL_FIELD(local_port), .out = PEER_GET},
    {16, "vpn-rx-bytes", NL_UINT, NL_FIELD(vpn_rx_bytes), .out = PEER_GET},
    {17, "vpn-tx-bytes", NL_UINT, NL_FIELD(vpn_tx_bytes), .out = PEER_GET},
    {18, "vpn-rx-packets", NL_UINT, NL_FIELD(vpn_rx_packets), .out = PEER_GET},
    {19, "vpn-tx-packets", NL_UINT, NL_FIELD(vpn_tx_packets), .out = PEER_GET},
    {20, "link-rx-bytes", NL_UINT, NL_FIELD(link_rx_bytes), .out = PEER_GET},
    {21, "link-tx-bytes", NL_UINT, NL_FIELD(link_tx_bytes), .out = PEER_GET},
    {22, "link-rx-packets", NL_UINT, NL_FIELD(link_rx_packets), .out = PEER_GET},
    {23, "link-tx-packets", NL_UINT, NL_FIELD(link_tx_packets), .out = PEER_GET},
};

static const struct nl_attr keydir_rows[] = {
    {1, "cipher-key", NL_BINARY, NL_FIELD_OF(struct nl_direction, key), .max = 256, .in = KEY_NEW},
    {2, "nonce-tail", NL_BINARY, NL_FIELD_OF(struct nl_direction, tail),
     NL_LENGTH(DCO_NONCE_TAIL_LEN), .in = KEY_NEW},
};
static const struct nl_set keydir = NL_SET("keydir", keydir_rows);

/* In the notification of a spent key the key id has 16 bits, as in the driver; openvpn reads 16
 * bits. */
static const struct nl_attr keyconf_rows[] = {
    {1, "peer-id", NL_U32, NL_FIELD(peer_id), .max = DCO_PEER_ID_MAX, .in = KEY_REQUESTS,
     .out = KEY_GET | SWAP_NTF},
    {2, "slot", NL_U32, NL_FIELD(slot), .max = DCO_SLOT_SECONDARY, .in = SLOT_REQUESTS,
     .out = KEY_GET},
    {3, "key-id", NL_U32, NL_FIELD(key_id), .max = DCO_KEY_ID_MAX, .in = KEY_NEW, .out = KEY_GET},
    {3, "key-id", NL_U16, NL_FIELD(key_id), .out = SWAP_NTF},
    {4, "cipher-alg", NL_U32, NL_FIELD(cipher), .max = DCO_CIPHER_CHACHA20_POLY1305, .in = KEY_NEW,
     .out = KEY_GET},
    {5, "encrypt-dir", NL_NEST, NL_FIELD(encrypt), .nest = &keydir, .in = KEY_NEW},
    {6, "decrypt-dir", NL_NEST, NL_FIELD(decrypt), .nest = &keydir, .in = KEY_NEW},
};

static const struct nl_set peer = NL_SET("peer", peer_rows);
static const struct nl_set keyconf = NL_SET("keyconf", keyconf_rows);

static const struct nl_attr top_rows[] = {
    {NL_A_IFINDEX, "ifindex", NL_U32, NL_FIELD(ifindex), .in = PEER_REQUESTS | KEY_REQUESTS,
     .out = NOTIFICATIONS},
    {OVPN_A_PEER, "peer", NL_NEST, NL_SAME(peer), .in = PEER_REQUESTS, .out = PEER_MESSAGES},
    {OVPN_A_KEYCONF, "keyconf", NL_NEST, NL_SAME(keyconf), .in = KEY_REQUESTS,
     .out = KEY_GET | SWAP_NTF},
};
static const struct nl_set top = NL_SET("ovpn", top_rows);

/* Checks and conversions in addition to those of ovpn-dco-v2 */

/* Joins the address of one family, the port and the scope. */
static int
remote_join(struct nl_message *m)
{
    bool v4 = m->remote4.family != 0, v6 = m->remote6.family != 0;

    if ((v4 && v6) || (v4 || v6) != m->remote_port.given)
        return -EINVAL;
    m->remote.ip = dco_ip_unmap(v4 ? m->remote4 : m->remote6);
    m->remote.port = (uint16_t)m->remote_port.value;
    m->remote.scope_id = (uint32_t)m->remote_scope.value;
    return m->remote_scope.given && m->remote.ip.family != 6 ? -EINVAL : 0;
}

/* A local address needs a remote one in the attribute of the same family. */
static int
local_join(struct nl_message *m)
{
    if ((m->local4.family != 0 && m->remote4.family == 0) ||
        (m->local6.family != 0 && m->remote6.family == 0))
        return -EINVAL;
    m->local = m->local4.family != 0 ? m->local4 : m->local6;
    return 0;
}

/* A connected socket needs no remote address, and the driver accepts none. */
static int
tcp_check(const struct nl_call *c, const struct nl_message *m)
{
    bool tcp = m->remote.ip.family != 0 && m->fd.given &&
               c->ops->socket_check((uint32_t)m->fd.value) == NL_SOCKET_TCP;

    return tcp ? -EINVAL : 0;
}

static int
timers_check(const struct nl_message *m)
{
    return m->interval_s.given == m->timeout_s.given ? 0 : -EINVAL;
}

/* Only a server's peers have addresses in the tunnel. */
static int
vpn_check(const struct nl_call *c, const struct nl_message *m)
{
    bool given = m->vpn4.family != 0 || m->vpn6.family != 0;

    return given && dco_peers_mode(c->peers) == DCO_MODE_P2P ? -EINVAL : 0;
}

static int
peer_new(const struct nl_call *c, const struct nl_message *message)
{
    struct nl_message m = *message;
    int err = remote_join(&m);

    if (err == 0)
        err = local_join(&m);
    if (err == 0)
        err = tcp_check(c, &m);
    if (err == 0)
        err = timers_check(&m);
    if (err == 0)
        err = vpn_check(c, &m);
    return err == 0 ? nl_peer_new(c, &m) : err;
}

static bool
has_addresses(const struct nl_message *m)
{
    return m->remote4.family != 0 || m->remote6.family != 0 || m->remote_port.given ||
           m->remote_scope.given || m->local4.family != 0 || m->local6.family != 0 ||
           m->vpn4.family != 0 || m->vpn6.family != 0 || m->tx_id.given;
}

static int
peer_set(const struct nl_call *c, const struct nl_message *m)
{
    struct dco_peer_info info;
    int err = -EINVAL;

    if (m->peer_id.given)
        err = dco_control_peer_get(c->peers, (uint32_t)m->peer_id.value, &info);
    if (err == 0 && has_addresses(m))
        err = -EOPNOTSUPP;
    if (err == 0)
        err = timers_check(m);
    return err == 0 ? nl_peer_set(c, m) : err;
}

/* Commands */

static const struct nl_command commands[] = {
    [OVPN_PEER_NEW] = {"peer-new", .run = peer_new, .nest = OVPN_A_PEER},
    [OVPN_PEER_SET] = {"peer-set", .run = peer_set, .nest = OVPN_A_PEER},
    [OVPN_PEER_GET] = {"peer-get", .run = nl_peer_get, .nest = OVPN_A_PEER, .dump = true},
    [OVPN_PEER_DEL] = {"peer-del", .run = nl_peer_del, .nest = OVPN_A_PEER},
    [OVPN_PEER_DEL_NTF] = {"peer-del-ntf", .nest = OVPN_A_PEER, .event = DCO_EVENT_DEL},
    [OVPN_KEY_NEW] = {"key-new", .run = nl_key_new, .nest = OVPN_A_KEYCONF, .secret = true},
    [OVPN_KEY_GET] = {"key-get", .run = nl_key_get, .nest = OVPN_A_KEYCONF},
    [OVPN_KEY_SWAP] = {"key-swap", .run = nl_key_swap, .nest = OVPN_A_KEYCONF},
    [OVPN_KEY_SWAP_NTF] = {"key-swap-ntf", .nest = OVPN_A_KEYCONF, .event = DCO_EVENT_KEY_WANTED},
    [OVPN_KEY_DEL] = {"key-del", .run = nl_key_del, .nest = OVPN_A_KEYCONF},
    [OVPN_PEER_FLOAT_NTF] = {"peer-float-ntf", .nest = OVPN_A_PEER, .event = DCO_EVENT_FLOAT},
};

const struct nl_family nl_ovpn = {
    .name = OVPN_NAME,
    .link_kind = "ovpn",
    .family_id = OVPN_FAMILY_ID,
    .group_id = OVPN_FAMILY_ID,
    .version = 1,
    .commands = sizeof(commands) / sizeof(commands[0]),
    .command = commands,
    .top = &top,
    .peer_new = OVPN_PEER_NEW,
    .peer_del = OVPN_PEER_DEL,
};
