/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/ovpn.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

/* Attributes inside the nests. */
enum {
    PEER_ID = 1,
    PEER_REMOTE_IPV4,
    PEER_REMOTE_IPV6,
    PEER_REMOTE_IPV6_SCOPE_ID,
    PEER_REMOTE_PORT,
    PEER_SOCKET,
    PEER_SOCKET_NETNSID,
    PEER_VPN_IPV4,
    PEER_VPN_IPV6,
    PEER_LOCAL_IPV4,
    PEER_LOCAL_IPV6,
    PEER_LOCAL_PORT,
    PEER_KEEPALIVE_INTERVAL,
    PEER_KEEPALIVE_TIMEOUT,
    PEER_DEL_REASON,
    PEER_VPN_RX_BYTES,
    PEER_VPN_TX_BYTES,
    PEER_VPN_RX_PACKETS,
    PEER_VPN_TX_PACKETS,
    PEER_LINK_RX_BYTES,
    PEER_LINK_TX_BYTES,
    PEER_LINK_RX_PACKETS,
    PEER_LINK_TX_PACKETS,
    PEER_TX_ID,
    PEER_MAX = PEER_TX_ID
};
enum {
    KEYCONF_PEER_ID = 1,
    KEYCONF_SLOT,
    KEYCONF_KEY_ID,
    KEYCONF_CIPHER_ALG,
    KEYCONF_ENCRYPT_DIR,
    KEYCONF_DECRYPT_DIR,
    KEYCONF_MAX = KEYCONF_DECRYPT_DIR
};

/* ---- policies: one for each kind of request -------------------------------------------------- */

#define ID_POLICY                                                                                  \
    {                                                                                              \
        .type = NETLINK_U32, .max = DCO_PEER_ID_MAX                                                \
    }
#define PORT_POLICY                                                                                \
    {                                                                                              \
        .type = NETLINK_U16, .min = 1                                                              \
    }
#define SLOT_POLICY                                                                                \
    {                                                                                              \
        .type = NETLINK_U32, .max = DCO_SLOT_SECONDARY                                             \
    }

/* What PEER_NEW and PEER_SET have in common. */
#define PEER_POLICIES                                                                              \
    [PEER_ID] = ID_POLICY, [PEER_REMOTE_IPV4] = {.type = NETLINK_U32},                             \
    [PEER_REMOTE_IPV6] = NL_POLICY_BINARY(16, 16),                                                 \
    [PEER_REMOTE_IPV6_SCOPE_ID] = {.type = NETLINK_U32}, [PEER_REMOTE_PORT] = PORT_POLICY,         \
    [PEER_VPN_IPV4] = {.type = NETLINK_U32}, [PEER_VPN_IPV6] = NL_POLICY_BINARY(16, 16),           \
    [PEER_LOCAL_IPV4] = {.type = NETLINK_U32}, [PEER_LOCAL_IPV6] = NL_POLICY_BINARY(16, 16),       \
    [PEER_KEEPALIVE_INTERVAL] = {.type = NETLINK_U32},                                             \
    [PEER_KEEPALIVE_TIMEOUT] = {.type = NETLINK_U32}, [PEER_TX_ID] = ID_POLICY

static const struct netlink_policy in_peer_new[PEER_MAX + 1] = {
    PEER_POLICIES,
    [PEER_SOCKET] = {.type = NETLINK_U32},
};
static const struct netlink_policy in_peer_set[PEER_MAX + 1] = {PEER_POLICIES};
static const struct netlink_policy in_peer_id[] = {[PEER_ID] = ID_POLICY};

static const struct netlink_policy in_key_dir[] = {
    [NL_KEY_DIR_KEY] = NL_POLICY_BINARY(0, 256),
    [NL_KEY_DIR_TAIL] = NL_POLICY_BINARY(DCO_NONCE_TAIL_LEN, DCO_NONCE_TAIL_LEN),
};
static const struct netlink_policy in_key_new[] = {
    [KEYCONF_PEER_ID] = ID_POLICY,
    [KEYCONF_SLOT] = SLOT_POLICY,
    [KEYCONF_KEY_ID] = {.type = NETLINK_U32, .max = DCO_KEY_ID_MAX},
    [KEYCONF_CIPHER_ALG] = {.type = NETLINK_U32, .max = DCO_CIPHER_CHACHA20_POLY1305},
    [KEYCONF_ENCRYPT_DIR] = NL_POLICY_NEST(in_key_dir),
    [KEYCONF_DECRYPT_DIR] = NL_POLICY_NEST(in_key_dir),
};
static const struct netlink_policy in_key_slot[] = {
    [KEYCONF_PEER_ID] = ID_POLICY,
    [KEYCONF_SLOT] = SLOT_POLICY,
};
static const struct netlink_policy in_key_peer[] = {[KEYCONF_PEER_ID] = ID_POLICY};

/* The top level of a request whose nest has this table. */
#define TOP(top_nest, table)                                                                       \
    {                                                                                              \
        [NL_A_IFINDEX] = {.type = NETLINK_U32}, [top_nest] = NL_POLICY_NEST(table)                 \
    }
typedef struct netlink_policy top_policy[OVPN_MAXATTR + 1];

static const top_policy policy_peer_new = TOP(OVPN_A_PEER, in_peer_new);
static const top_policy policy_peer_set = TOP(OVPN_A_PEER, in_peer_set);
static const top_policy policy_peer_id = TOP(OVPN_A_PEER, in_peer_id);
static const top_policy policy_key_new = TOP(OVPN_A_KEYCONF, in_key_new);
static const top_policy policy_key_slot = TOP(OVPN_A_KEYCONF, in_key_slot);
static const top_policy policy_key_peer = TOP(OVPN_A_KEYCONF, in_key_peer);

/* ---- addresses ------------------------------------------------------------------------------- */

/* The address in one of two attributes; family 0 if there is none. */
static struct dco_ip
ip_read(const struct nlattr *v4, const struct nlattr *v6)
{
    if (v4)
        return dco_ip4(mnl_attr_get_payload(v4));
    return v6 ? dco_ip6(mnl_attr_get_payload(v6)) : (struct dco_ip){0};
}

static int
remote_read(const struct nlattr **tb, struct dco_endpoint *remote)
{
    bool given = tb[PEER_REMOTE_IPV4] || tb[PEER_REMOTE_IPV6];

    if ((tb[PEER_REMOTE_IPV4] && tb[PEER_REMOTE_IPV6]) || given != !!tb[PEER_REMOTE_PORT])
        return -EINVAL;
    remote->ip = dco_ip_unmap(ip_read(tb[PEER_REMOTE_IPV4], tb[PEER_REMOTE_IPV6]));
    if (given)
        remote->port = mnl_attr_get_u16(tb[PEER_REMOTE_PORT]);
    if (!tb[PEER_REMOTE_IPV6_SCOPE_ID])
        return 0;
    remote->scope_id = mnl_attr_get_u32(tb[PEER_REMOTE_IPV6_SCOPE_ID]);
    return remote->ip.family == 6 ? 0 : -EINVAL;
}

/* The local address comes with a remote one, by the attribute of the same family. */
static int
path_read(const struct nlattr **tb, struct dco_path *path)
{
    int error = remote_read(tb, &path->remote);

    if (error)
        return error;
    if ((tb[PEER_LOCAL_IPV4] && !tb[PEER_REMOTE_IPV4]) ||
        (tb[PEER_LOCAL_IPV6] && !tb[PEER_REMOTE_IPV6]))
        return -EINVAL;
    path->local = dco_ip_unmap(ip_read(tb[PEER_LOCAL_IPV4], tb[PEER_LOCAL_IPV6]));
    if (path->local.family && path->local.family != path->remote.ip.family)
        return -EINVAL;
    if (dco_ip_is_any(&path->local))
        memset(&path->local, 0, sizeof(path->local));
    return 0;
}

/* ---- peers ----------------------------------------------------------------------------------- */

/* Both timers, or none: then they are UINT32_MAX, which leaves them as they are. */
static int
timers_read(const struct nlattr **tb, uint32_t *interval, uint32_t *timeout)
{
    *interval = *timeout = UINT32_MAX;
    if (!nl_get_u32(tb[PEER_KEEPALIVE_INTERVAL], interval))
        return tb[PEER_KEEPALIVE_TIMEOUT] ? -EINVAL : 0;
    if (!nl_get_u32(tb[PEER_KEEPALIVE_TIMEOUT], timeout))
        return -EINVAL;
    *interval -= *interval == UINT32_MAX;
    *timeout -= *timeout == UINT32_MAX;
    return 0;
}

static int
vpn_read(const struct nl_call *c, const struct nlattr **tb, struct dco_peer_new *req)
{
    bool given = tb[PEER_VPN_IPV4] || tb[PEER_VPN_IPV6];

    if (given != (dco_peers_mode(c->peers) == DCO_MODE_MP))
        return -EINVAL;
    req->vpn4 = ip_read(tb[PEER_VPN_IPV4], NULL);
    req->vpn6 = ip_read(NULL, tb[PEER_VPN_IPV6]);
    return 0;
}

static int
do_peer_new(const struct nl_call *c, const struct nlattr *nest)
{
    const struct nlattr *tb[PEER_MAX + 1];
    struct dco_peer_new req = {.share_vpn = true};
    uint32_t fd, interval, timeout;
    int error;

    netlink_parse_nest(nest, PEER_MAX, tb);
    if (!nl_get_u32(tb[PEER_ID], &req.id) || !nl_get_u32(tb[PEER_SOCKET], &fd))
        return -EINVAL;
    if (!nl_get_u32(tb[PEER_TX_ID], &req.tx_id))
        req.tx_id = req.id;
    error = path_read(tb, &req.path);
    if (!error)
        error = timers_read(tb, &interval, &timeout);
    if (!error)
        error = vpn_read(c, tb, &req);
    if (!error)
        error = c->ops->socket_check(c->ops->arg, fd);
    if (!error && !req.path.remote.ip.family) /* which UDP needs */
        error = -EINVAL;
    if (!error)
        error = nl_peer_new(c, fd, &req);
    if (error || interval == UINT32_MAX)
        return error;
    return dco_control_peer_set(c->peers, req.id, interval, timeout, c->ops->now(c->ops->arg));
}

static bool
has_addresses(const struct nlattr **tb)
{
    return tb[PEER_REMOTE_IPV4] || tb[PEER_REMOTE_IPV6] || tb[PEER_REMOTE_PORT] ||
           tb[PEER_REMOTE_IPV6_SCOPE_ID] || tb[PEER_LOCAL_IPV4] || tb[PEER_LOCAL_IPV6] ||
           tb[PEER_VPN_IPV4] || tb[PEER_VPN_IPV6] || tb[PEER_TX_ID];
}

static int
do_peer_set(const struct nl_call *c, const struct nlattr *nest)
{
    const struct nlattr *tb[PEER_MAX + 1];
    struct dco_peer_info info;
    uint32_t id, interval, timeout;
    int error;

    netlink_parse_nest(nest, PEER_MAX, tb);
    if (!nl_get_u32(tb[PEER_ID], &id))
        return -EINVAL;
    error = dco_control_peer_get(c->peers, id, &info);
    if (!error && has_addresses(tb))
        error = -EOPNOTSUPP;
    if (!error)
        error = timers_read(tb, &interval, &timeout);
    if (error || interval == UINT32_MAX)
        return error;
    return dco_control_peer_set(c->peers, id, interval, timeout, c->ops->now(c->ops->arg));
}

static int
do_peer_del(const struct nl_call *c, const struct nlattr *nest)
{
    uint32_t id;

    if (!nl_nest_u32(nest, PEER_ID, &id))
        return -EINVAL;
    return dco_control_peer_del(c->peers, id, DCO_DEL_USERSPACE);
}

/* Netlink's `uint`: 4 bytes where they suffice. */
static void
uint_put(struct nlmsghdr *nlh, uint16_t type, uint64_t value)
{
    if (value <= UINT32_MAX)
        mnl_attr_put_u32(nlh, type, (uint32_t)value);
    else
        mnl_attr_put_u64(nlh, type, value);
}

static void
ip_put(struct nlmsghdr *nlh, uint16_t type4, uint16_t type6, const struct dco_ip *ip)
{
    if (ip->family == 4)
        mnl_attr_put(nlh, type4, 4, ip->addr);
    else if (ip->family == 6)
        mnl_attr_put(nlh, type6, 16, ip->addr);
}

static void
remote_put(struct nlmsghdr *nlh, const struct dco_endpoint *remote)
{
    if (!remote->ip.family)
        return;
    ip_put(nlh, PEER_REMOTE_IPV4, PEER_REMOTE_IPV6, &remote->ip);
    if (remote->ip.family == 6)
        mnl_attr_put_u32(nlh, PEER_REMOTE_IPV6_SCOPE_ID, remote->scope_id);
    mnl_attr_put_u16(nlh, PEER_REMOTE_PORT, remote->port);
}

static void
local_put(struct nlmsghdr *nlh, const struct dco_path *path)
{
    struct dco_ip any = {.family = path->remote.ip.family};

    ip_put(nlh, PEER_LOCAL_IPV4, PEER_LOCAL_IPV6, path->local.family ? &path->local : &any);
}

static void
stats_put(struct nlmsghdr *nlh, const struct dco_peer_stats *s)
{
    uint_put(nlh, PEER_VPN_RX_BYTES, s->vpn_rx_bytes);
    uint_put(nlh, PEER_VPN_TX_BYTES, s->vpn_tx_bytes);
    uint_put(nlh, PEER_VPN_RX_PACKETS, s->vpn_rx_packets);
    uint_put(nlh, PEER_VPN_TX_PACKETS, s->vpn_tx_packets);
    uint_put(nlh, PEER_LINK_RX_BYTES, s->link_rx_bytes);
    uint_put(nlh, PEER_LINK_TX_BYTES, s->link_tx_bytes);
    uint_put(nlh, PEER_LINK_RX_PACKETS, s->link_rx_packets);
    uint_put(nlh, PEER_LINK_TX_PACKETS, s->link_tx_packets);
}

static size_t
peer_fill(const struct nl_call *c, void *buf, const struct dco_peer_info *info, uint16_t flags)
{
    struct nlmsghdr *nlh =
        nl_header_fill(c->family, buf, c->request, c->sink->portid, OVPN_PEER_GET, flags);
    struct nlattr *nest = mnl_attr_nest_start(nlh, OVPN_A_PEER);

    mnl_attr_put_u32(nlh, PEER_ID, info->id);
    mnl_attr_put_u32(nlh, PEER_TX_ID, info->tx_id);
    ip_put(nlh, PEER_VPN_IPV4, PEER_VPN_IPV6, &info->vpn4);
    ip_put(nlh, PEER_VPN_IPV4, PEER_VPN_IPV6, &info->vpn6);
    mnl_attr_put_u32(nlh, PEER_KEEPALIVE_INTERVAL, info->interval_s);
    mnl_attr_put_u32(nlh, PEER_KEEPALIVE_TIMEOUT, info->timeout_s);
    remote_put(nlh, &info->path.remote);
    local_put(nlh, &info->path);
    mnl_attr_put_u16(nlh, PEER_LOCAL_PORT, c->ops->transport_port(c->ops->arg, info->transport));
    stats_put(nlh, &info->stats);
    mnl_attr_nest_end(nlh, nest);
    return nlh->nlmsg_len;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static int
do_key_new(const struct nl_call *c, const struct nlattr *nest)
{
    const struct nlattr *tb[KEYCONF_MAX + 1];
    struct dco_key_new req = {0};
    uint32_t slot, key_id, cipher;

    netlink_parse_nest(nest, KEYCONF_MAX, tb);
    if (!nl_get_u32(tb[KEYCONF_PEER_ID], &req.peer_id) || !nl_get_u32(tb[KEYCONF_SLOT], &slot) ||
        !nl_get_u32(tb[KEYCONF_KEY_ID], &key_id) || !nl_get_u32(tb[KEYCONF_CIPHER_ALG], &cipher) ||
        !tb[KEYCONF_ENCRYPT_DIR] || !tb[KEYCONF_DECRYPT_DIR] || cipher == DCO_CIPHER_NONE)
        return -EINVAL;
    req.slot = slot;
    req.key_id = (uint8_t)key_id;
    req.cipher = cipher;
    return nl_key_new(c, &req, tb[KEYCONF_ENCRYPT_DIR], tb[KEYCONF_DECRYPT_DIR]);
}

static bool
key_slot_read(const struct nlattr *nest, uint32_t *id, uint32_t *slot)
{
    return nl_nest_u32(nest, KEYCONF_PEER_ID, id) && nl_nest_u32(nest, KEYCONF_SLOT, slot);
}

static int
do_key_get(const struct nl_call *c, const struct nlattr *nest)
{
    uint8_t buf[128] __attribute__((aligned(8))) = {0};
    struct dco_key_info info;
    struct nlmsghdr *nlh;
    struct nlattr *conf;
    uint32_t id, slot;
    int error;

    if (!key_slot_read(nest, &id, &slot))
        return -EINVAL;
    error = dco_control_key_get(c->peers, id, slot, &info);
    if (error)
        return error;
    nlh = nl_header_fill(c->family, buf, c->request, c->sink->portid, OVPN_KEY_GET, 0);
    conf = mnl_attr_nest_start(nlh, OVPN_A_KEYCONF);
    mnl_attr_put_u32(nlh, KEYCONF_PEER_ID, id);
    mnl_attr_put_u32(nlh, KEYCONF_SLOT, slot);
    mnl_attr_put_u32(nlh, KEYCONF_KEY_ID, info.key_id);
    mnl_attr_put_u32(nlh, KEYCONF_CIPHER_ALG, info.cipher);
    mnl_attr_nest_end(nlh, conf);
    c->sink->emit(c->sink->arg, buf, nlh->nlmsg_len);
    return 0;
}

static int
do_key_del(const struct nl_call *c, const struct nlattr *nest)
{
    uint32_t id, slot;

    if (!key_slot_read(nest, &id, &slot))
        return -EINVAL;
    return dco_control_key_del(c->peers, id, slot);
}

/* ---- notifications --------------------------------------------------------------------------- */

static void
peer_event_put(struct nlmsghdr *nlh, const struct dco_event *event)
{
    struct nlattr *nest = mnl_attr_nest_start(nlh, OVPN_A_PEER);

    if (event->kind == DCO_EVENT_DEL)
        mnl_attr_put_u32(nlh, PEER_DEL_REASON, event->del_reason);
    mnl_attr_put_u32(nlh, PEER_ID, event->peer_id);
    if (event->kind == DCO_EVENT_FLOAT)
        remote_put(nlh, &event->remote);
    mnl_attr_nest_end(nlh, nest);
}

/* The key id has 16 bits here, as in the driver, and openvpn reads as many. */
static void
key_event_put(struct nlmsghdr *nlh, const struct dco_event *event)
{
    struct nlattr *nest = mnl_attr_nest_start(nlh, OVPN_A_KEYCONF);

    mnl_attr_put_u32(nlh, KEYCONF_PEER_ID, event->peer_id);
    mnl_attr_put_u16(nlh, KEYCONF_KEY_ID, event->key_id);
    mnl_attr_nest_end(nlh, nest);
}

static size_t
notification(void *buf, uint32_t ifindex, const struct dco_event *event)
{
    static const uint8_t command[] = {[DCO_EVENT_DEL] = OVPN_PEER_DEL_NTF,
                                      [DCO_EVENT_FLOAT] = OVPN_PEER_FLOAT_NTF,
                                      [DCO_EVENT_KEY_WANTED] = OVPN_KEY_SWAP_NTF};
    struct nlmsghdr *nlh;

    memset(buf, 0, NL_NOTIFICATION_MAX);
    nlh = nl_header_fill(&nl_ovpn, buf, NULL, 0, command[event->kind], 0);
    mnl_attr_put_u32(nlh, NL_A_IFINDEX, ifindex);
    if (event->kind == DCO_EVENT_KEY_WANTED)
        key_event_put(nlh, event);
    else
        peer_event_put(nlh, event);
    return nlh->nlmsg_len;
}

/* ---- the family ------------------------------------------------------------------------------ */

static const struct nl_command commands[] = {
    [OVPN_PEER_NEW] = {.run = do_peer_new, .policy = policy_peer_new, .nest = OVPN_A_PEER},
    [OVPN_PEER_SET] = {.run = do_peer_set, .policy = policy_peer_set, .nest = OVPN_A_PEER},
    [OVPN_PEER_GET] = {.run = nl_peer_get,
                       .policy = policy_peer_id,
                       .nest = OVPN_A_PEER,
                       .dump = true},
    [OVPN_PEER_DEL] = {.run = do_peer_del, .policy = policy_peer_id, .nest = OVPN_A_PEER},
    [OVPN_KEY_NEW] = {.run = do_key_new,
                      .policy = policy_key_new,
                      .nest = OVPN_A_KEYCONF,
                      .secret = true},
    [OVPN_KEY_GET] = {.run = do_key_get, .policy = policy_key_slot, .nest = OVPN_A_KEYCONF},
    [OVPN_KEY_SWAP] = {.run = nl_key_swap, .policy = policy_key_peer, .nest = OVPN_A_KEYCONF},
    [OVPN_KEY_DEL] = {.run = do_key_del, .policy = policy_key_slot, .nest = OVPN_A_KEYCONF},
};

static const struct nl_peer_attr about[] = {
    {OVPN_PEER_NEW, OVPN_A_PEER, PEER_ID, false},
    {OVPN_PEER_DEL_NTF, OVPN_A_PEER, PEER_ID, true},
    {OVPN_PEER_FLOAT_NTF, OVPN_A_PEER, PEER_ID, false},
    {OVPN_KEY_SWAP_NTF, OVPN_A_KEYCONF, KEYCONF_PEER_ID, false},
};

const struct nl_family nl_ovpn = {
    .name = OVPN_NAME,
    .link_kind = "ovpn",
    .family_id = OVPN_FAMILY_ID,
    .group_id = OVPN_FAMILY_ID,
    .version = 1,
    .maxattr = OVPN_MAXATTR,
    .commands = sizeof(commands) / sizeof(commands[0]),
    .command = commands,
    .peer_new = OVPN_PEER_NEW,
    .peer_del = OVPN_PEER_DEL,
    .peer_attrs = sizeof(about) / sizeof(about[0]),
    .peer_attr_table = about,
    .peer_fill = peer_fill,
    .notification = notification,
    .follows_floats = true,
    .renews_keys = true,
    .keeps_order = true,
};
