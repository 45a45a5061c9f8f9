/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/dco_v2.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <netinet/in.h>

/* Attributes inside the nests. */
enum {
    NEW_PEER_ID = 1,
    NEW_PEER_REMOTE,
    NEW_PEER_SOCKET,
    NEW_PEER_IPV4,
    NEW_PEER_IPV6,
    NEW_PEER_LOCAL_IP,
    NEW_PEER_MAX = NEW_PEER_LOCAL_IP
};
enum { SET_PEER_ID = 1, SET_PEER_INTERVAL, SET_PEER_TIMEOUT, SET_PEER_MAX = SET_PEER_TIMEOUT };
enum { DEL_PEER_REASON = 1, DEL_PEER_ID };
enum {
    NEW_KEY_PEER_ID = 1,
    NEW_KEY_SLOT,
    NEW_KEY_ID,
    NEW_KEY_CIPHER,
    NEW_KEY_ENCRYPT,
    NEW_KEY_DECRYPT,
    NEW_KEY_MAX = NEW_KEY_DECRYPT
};
enum { DEL_KEY_PEER_ID = 1, DEL_KEY_SLOT, DEL_KEY_MAX = DEL_KEY_SLOT };
enum {
    PEER_ID = 1,
    PEER_REMOTE,
    PEER_IPV4,
    PEER_IPV6,
    PEER_LOCAL_IP,
    PEER_LOCAL_PORT,
    PEER_INTERVAL,
    PEER_TIMEOUT,
    PEER_VPN_RX_BYTES,
    PEER_VPN_TX_BYTES,
    PEER_VPN_RX_PACKETS,
    PEER_VPN_TX_PACKETS,
    PEER_LINK_RX_BYTES,
    PEER_LINK_TX_BYTES,
    PEER_LINK_RX_PACKETS,
    PEER_LINK_TX_PACKETS
};

static const struct netlink_policy policy_key_dir[] = {
    [NL_KEY_DIR_KEY] = NL_POLICY_BINARY(0, 255),
    [NL_KEY_DIR_TAIL] = NL_POLICY_BINARY(DCO_NONCE_TAIL_LEN, DCO_NONCE_TAIL_LEN),
};

static const struct netlink_policy policy_new_peer[] = {
    [NEW_PEER_ID] = {.type = NETLINK_U32},
    [NEW_PEER_REMOTE] = NL_POLICY_BINARY(sizeof(struct sockaddr), 0),
    [NEW_PEER_SOCKET] = {.type = NETLINK_U32},
    [NEW_PEER_IPV4] = {.type = NETLINK_U32},
    [NEW_PEER_IPV6] = NL_POLICY_BINARY(16, 16),
    [NEW_PEER_LOCAL_IP] = NL_POLICY_BINARY(0, 16),
};

static const struct netlink_policy policy_set_peer[] = {
    [SET_PEER_ID] = {.type = NETLINK_U32},
    [SET_PEER_INTERVAL] = {.type = NETLINK_U32},
    [SET_PEER_TIMEOUT] = {.type = NETLINK_U32},
};

static const struct netlink_policy policy_del_peer[] = {
    [DEL_PEER_REASON] = {.type = NETLINK_U8, .max = DCO_DEL_TRANSPORT_DISCONNECT},
    [DEL_PEER_ID] = {.type = NETLINK_U32},
};

static const struct netlink_policy policy_new_key[] = {
    [NEW_KEY_PEER_ID] = {.type = NETLINK_U32},
    [NEW_KEY_SLOT] = {.type = NETLINK_U8, .max = DCO_SLOT_SECONDARY},
    [NEW_KEY_ID] = {.type = NETLINK_U8},
    [NEW_KEY_CIPHER] = {.type = NETLINK_U16},
    [NEW_KEY_ENCRYPT] = NL_POLICY_NEST(policy_key_dir),
    [NEW_KEY_DECRYPT] = NL_POLICY_NEST(policy_key_dir),
};

static const struct netlink_policy policy_del_key[] = {
    [DEL_KEY_PEER_ID] = {.type = NETLINK_U32},
    [DEL_KEY_SLOT] = {.type = NETLINK_U8, .max = DCO_SLOT_SECONDARY},
};

/* SWAP_KEYS and GET_PEER */
static const struct netlink_policy policy_peer_id[] = {
    [NL_PEER_ID] = {.type = NETLINK_U32},
};

static const struct netlink_policy policy_top[DCO_V2_MAXATTR + 1] = {
    [NL_A_IFINDEX] = {.type = NETLINK_U32},
    [DCO_V2_A_NEW_PEER] = NL_POLICY_NEST(policy_new_peer),
    [DCO_V2_A_SET_PEER] = NL_POLICY_NEST(policy_set_peer),
    [DCO_V2_A_DEL_PEER] = NL_POLICY_NEST(policy_del_peer),
    [DCO_V2_A_NEW_KEY] = NL_POLICY_NEST(policy_new_key),
    [DCO_V2_A_SWAP_KEYS] = NL_POLICY_NEST(policy_peer_id),
    [DCO_V2_A_DEL_KEY] = NL_POLICY_NEST(policy_del_key),
    [DCO_V2_A_GET_PEER] = NL_POLICY_NEST(policy_peer_id),
};

/* ---- addresses ------------------------------------------------------------------------------- */

static int
endpoint_read(const struct nlattr *attr, struct dco_endpoint *ep)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

    memset(ep, 0, sizeof(*ep));
    if (len == sizeof(in)) {
        memcpy(&in, mnl_attr_get_payload(attr), sizeof(in));
        if (in.sin_family != AF_INET)
            return -EINVAL;
        ep->ip = dco_ip4((const uint8_t *)&in.sin_addr);
        ep->port = in.sin_port;
        return 0;
    }
    if (len != sizeof(in6))
        return -EINVAL;
    memcpy(&in6, mnl_attr_get_payload(attr), sizeof(in6));
    if (in6.sin6_family != AF_INET6)
        return -EINVAL;
    ep->ip = dco_ip_unmap(dco_ip6(in6.sin6_addr.s6_addr));
    ep->port = in6.sin6_port;
    if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr))
        ep->scope_id = in6.sin6_scope_id;
    return 0;
}

/* The local address must be of the family of remote; v4-mapped counts as IPv4. */
static int
local_ip_read(const struct nlattr *attr, const struct dco_endpoint *remote, struct dco_ip *local)
{
    memset(local, 0, sizeof(*local));
    if (!attr)
        return 0;
    if (mnl_attr_get_payload_len(attr) == 4)
        *local = dco_ip4(mnl_attr_get_payload(attr));
    else if (mnl_attr_get_payload_len(attr) == 16)
        *local = dco_ip_unmap(dco_ip6(mnl_attr_get_payload(attr)));
    if (local->family != remote->ip.family)
        return -EINVAL;
    if (dco_ip_is_any(local))
        memset(local, 0, sizeof(*local));
    return 0;
}

static void
endpoint_put(struct nlmsghdr *nlh, const struct dco_endpoint *ep)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = ep->port};
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = ep->port, .sin6_scope_id = ep->scope_id};

    if (ep->ip.family == 4) {
        memcpy(&in.sin_addr, ep->ip.addr, sizeof(in.sin_addr));
        mnl_attr_put(nlh, PEER_REMOTE, sizeof(in), &in);
    } else if (ep->ip.family == 6) {
        memcpy(&in6.sin6_addr, ep->ip.addr, sizeof(in6.sin6_addr));
        mnl_attr_put(nlh, PEER_REMOTE, sizeof(in6), &in6);
    }
}

static void
ip_put(struct nlmsghdr *nlh, uint16_t type, const struct dco_ip *ip)
{
    if (!dco_ip_is_any(ip))
        mnl_attr_put(nlh, type, ip->family == 4 ? 4 : 16, ip->addr);
}

/* ---- commands -------------------------------------------------------------------------------- */

static int
do_new_peer(const struct nl_call *c, const struct nlattr *nest)
{
    const struct nlattr *tb[NEW_PEER_MAX + 1];
    struct dco_peer_new req = {0};
    uint32_t fd;
    int error;

    netlink_parse_nest(nest, NEW_PEER_MAX, tb);
    if (!nl_get_u32(tb[NEW_PEER_ID], &req.id) || !nl_get_u32(tb[NEW_PEER_SOCKET], &fd))
        return -EINVAL;
    if (dco_peers_mode(c->peers) == DCO_MODE_MP && !tb[NEW_PEER_IPV4] && !tb[NEW_PEER_IPV6])
        return -EINVAL;
    error = c->ops->socket_check(c->ops->arg, fd);
    if (!error)
        error = endpoint_read(tb[NEW_PEER_REMOTE], &req.path.remote);
    if (!error)
        error = local_ip_read(tb[NEW_PEER_LOCAL_IP], &req.path.remote, &req.path.local);
    if (error)
        return error;
    req.tx_id = req.id;
    req.share_vpn = true; /* openvpn 2.6 lets the newest session of an address win */
    if (tb[NEW_PEER_IPV4])
        req.vpn4 = dco_ip4(mnl_attr_get_payload(tb[NEW_PEER_IPV4]));
    if (tb[NEW_PEER_IPV6])
        req.vpn6 = dco_ip6(mnl_attr_get_payload(tb[NEW_PEER_IPV6]));
    return nl_peer_new(c, fd, &req);
}

static int
do_set_peer(const struct nl_call *c, const struct nlattr *nest)
{
    const struct nlattr *tb[SET_PEER_MAX + 1];
    struct dco_peer_info info;
    uint32_t id, interval, timeout;

    netlink_parse_nest(nest, SET_PEER_MAX, tb);
    if (!nl_get_u32(tb[SET_PEER_ID], &id))
        return -EINVAL;
    /* One timer alone changes nothing, as in the driver. */
    if (!nl_get_u32(tb[SET_PEER_INTERVAL], &interval) ||
        !nl_get_u32(tb[SET_PEER_TIMEOUT], &timeout))
        return dco_control_peer_get(c->peers, id, &info);
    /* UINT32_MAX would mean "as it is" to the core. */
    interval -= interval == UINT32_MAX;
    timeout -= timeout == UINT32_MAX;
    return dco_control_peer_set(c->peers, id, interval, timeout, c->ops->now(c->ops->arg));
}

static int
do_del_peer(const struct nl_call *c, const struct nlattr *nest)
{
    uint32_t id;

    if (!nl_nest_u32(nest, DEL_PEER_ID, &id))
        return -EINVAL;
    return dco_control_peer_del(c->peers, id, DCO_DEL_USERSPACE);
}

static bool
get_u8(const struct nlattr *attr, uint8_t *value)
{
    if (!attr)
        return false;
    *value = mnl_attr_get_u8(attr);
    return true;
}

static int
do_new_key(const struct nl_call *c, const struct nlattr *nest)
{
    const struct nlattr *tb[NEW_KEY_MAX + 1];
    struct dco_key_new req = {0};
    uint8_t slot;

    netlink_parse_nest(nest, NEW_KEY_MAX, tb);
    if (!nl_get_u32(tb[NEW_KEY_PEER_ID], &req.peer_id) || !get_u8(tb[NEW_KEY_SLOT], &slot) ||
        !get_u8(tb[NEW_KEY_ID], &req.key_id) || !tb[NEW_KEY_CIPHER] || !tb[NEW_KEY_ENCRYPT] ||
        !tb[NEW_KEY_DECRYPT])
        return -EINVAL;
    req.slot = slot;
    req.cipher = mnl_attr_get_u16(tb[NEW_KEY_CIPHER]);
    if (req.cipher != DCO_CIPHER_AES_GCM && req.cipher != DCO_CIPHER_CHACHA20_POLY1305)
        return -EINVAL;
    return nl_key_new(c, &req, tb[NEW_KEY_ENCRYPT], tb[NEW_KEY_DECRYPT]);
}

static int
do_del_key(const struct nl_call *c, const struct nlattr *nest)
{
    const struct nlattr *tb[DEL_KEY_MAX + 1];
    uint32_t id;
    uint8_t slot;

    netlink_parse_nest(nest, DEL_KEY_MAX, tb);
    if (!nl_get_u32(tb[DEL_KEY_PEER_ID], &id) || !get_u8(tb[DEL_KEY_SLOT], &slot))
        return -EINVAL;
    return dco_control_key_del(c->peers, id, slot);
}

/* ---- peers as replies ------------------------------------------------------------------------ */

static void
path_put(struct nlmsghdr *nlh, const struct dco_path *path)
{
    static const uint8_t any[16];

    if (!path->remote.ip.family)
        return;
    endpoint_put(nlh, &path->remote);
    mnl_attr_put(nlh, PEER_LOCAL_IP, path->remote.ip.family == 4 ? 4 : 16,
                 path->local.family ? path->local.addr : any);
}

static void
stats_put(struct nlmsghdr *nlh, const struct dco_peer_stats *s)
{
    mnl_attr_put_u64(nlh, PEER_VPN_RX_BYTES, s->vpn_rx_bytes);
    mnl_attr_put_u32(nlh, PEER_VPN_RX_PACKETS, (uint32_t)s->vpn_rx_packets);
    mnl_attr_put_u64(nlh, PEER_VPN_TX_BYTES, s->vpn_tx_bytes);
    mnl_attr_put_u32(nlh, PEER_VPN_TX_PACKETS, (uint32_t)s->vpn_tx_packets);
    mnl_attr_put_u64(nlh, PEER_LINK_RX_BYTES, s->link_rx_bytes);
    mnl_attr_put_u32(nlh, PEER_LINK_RX_PACKETS, (uint32_t)s->link_rx_packets);
    mnl_attr_put_u64(nlh, PEER_LINK_TX_BYTES, s->link_tx_bytes);
    mnl_attr_put_u32(nlh, PEER_LINK_TX_PACKETS, (uint32_t)s->link_tx_packets);
}

static size_t
peer_fill(const struct nl_call *c, void *buf, const struct dco_peer_info *info, uint16_t flags)
{
    struct nlmsghdr *nlh;
    struct nlattr *nest;

    nlh = nl_header_fill(c->family, buf, c->request, c->sink->portid, DCO_V2_GET_PEER, flags);
    nest = mnl_attr_nest_start(nlh, DCO_V2_A_GET_PEER);
    mnl_attr_put_u32(nlh, PEER_ID, info->id);
    ip_put(nlh, PEER_IPV4, &info->vpn4);
    ip_put(nlh, PEER_IPV6, &info->vpn6);
    mnl_attr_put_u32(nlh, PEER_INTERVAL, info->interval_s);
    mnl_attr_put_u32(nlh, PEER_TIMEOUT, info->timeout_s);
    path_put(nlh, &info->path);
    mnl_attr_put_u16(nlh, PEER_LOCAL_PORT, c->ops->transport_port(c->ops->arg, info->transport));
    stats_put(nlh, &info->stats);
    mnl_attr_nest_end(nlh, nest);
    return nlh->nlmsg_len;
}

/* ---- notifications --------------------------------------------------------------------------- */

static size_t
notification(void *buf, uint32_t ifindex, const struct dco_event *event)
{
    struct nlmsghdr *nlh;
    struct nlattr *nest;

    if (event->kind != DCO_EVENT_DEL)
        return 0;
    memset(buf, 0, NL_NOTIFICATION_MAX);
    nlh = nl_header_fill(&nl_dco_v2, buf, NULL, 0, DCO_V2_DEL_PEER, 0);
    mnl_attr_put_u32(nlh, NL_A_IFINDEX, ifindex);
    nest = mnl_attr_nest_start(nlh, DCO_V2_A_DEL_PEER);
    mnl_attr_put_u8(nlh, DEL_PEER_REASON, (uint8_t)event->del_reason);
    mnl_attr_put_u32(nlh, DEL_PEER_ID, event->peer_id);
    mnl_attr_nest_end(nlh, nest);
    return nlh->nlmsg_len;
}

/* ---- the family ------------------------------------------------------------------------------ */

static const struct nl_command commands[] = {
    [DCO_V2_NEW_PEER] = {.run = do_new_peer, .policy = policy_top, .nest = DCO_V2_A_NEW_PEER},
    [DCO_V2_SET_PEER] = {.run = do_set_peer, .policy = policy_top, .nest = DCO_V2_A_SET_PEER},
    [DCO_V2_DEL_PEER] = {.run = do_del_peer, .policy = policy_top, .nest = DCO_V2_A_DEL_PEER},
    [DCO_V2_NEW_KEY] = {.run = do_new_key,
                        .policy = policy_top,
                        .nest = DCO_V2_A_NEW_KEY,
                        .secret = true},
    [DCO_V2_SWAP_KEYS] = {.run = nl_key_swap, .policy = policy_top, .nest = DCO_V2_A_SWAP_KEYS},
    [DCO_V2_DEL_KEY] = {.run = do_del_key, .policy = policy_top, .nest = DCO_V2_A_DEL_KEY},
    [DCO_V2_GET_PEER] = {.run = nl_peer_get,
                         .policy = policy_top,
                         .nest = DCO_V2_A_GET_PEER,
                         .dump = true},
};

static const struct nl_peer_attr about[] = {
    {DCO_V2_NEW_PEER, DCO_V2_A_NEW_PEER, NEW_PEER_ID, false},
    {DCO_V2_DEL_PEER, DCO_V2_A_DEL_PEER, DEL_PEER_ID, true},
};

const struct nl_family nl_dco_v2 = {
    .name = DCO_V2_NAME,
    .link_kind = "ovpn-dco",
    .family_id = DCO_V2_FAMILY_ID,
    .group_id = DCO_V2_FAMILY_ID,
    .version = 1,
    .maxattr = DCO_V2_MAXATTR,
    .commands = sizeof(commands) / sizeof(commands[0]),
    .command = commands,
    .peer_new = DCO_V2_NEW_PEER,
    .peer_del = DCO_V2_DEL_PEER,
    .peer_attrs = sizeof(about) / sizeof(about[0]),
    .peer_attr_table = about,
    .peer_fill = peer_fill,
    .notification = notification,
};
