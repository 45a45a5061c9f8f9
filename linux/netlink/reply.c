/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/reply.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "linux/netlink/codec.h"

struct nlmsghdr *
nl_header_fill(const struct nl_family *family, void *buf, const struct nlmsghdr *request,
               uint32_t portid, uint8_t command, uint16_t flags)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

    nlh->nlmsg_type = family->family_id;
    nlh->nlmsg_flags = flags;
    nlh->nlmsg_seq = request != NULL ? request->nlmsg_seq : 0;
    nlh->nlmsg_pid = portid;
    genl->cmd = command;
    genl->version = family->version;
    return nlh;
}

/* A reply has the command number of its request. */
static size_t
reply_fill(const struct nl_call *c, void *buf, uint16_t flags, const struct nl_message *message)
{
    const struct genlmsghdr *asked = mnl_nlmsg_get_payload(c->request);
    struct nlmsghdr *nlh =
        nl_header_fill(c->family, buf, c->request, c->sink->portid, asked->cmd, flags);

    nl_fill(c->family->top, asked->cmd, message, nlh);
    return nlh->nlmsg_len;
}

/* The path of the peer, if the peer has a remote address. If the kernel chooses the local address,
 * it is all-zero. */
static void
path_describe(const struct dco_path *path, struct nl_message *m)
{
    struct dco_ip any = {.family = path->remote.ip.family};

    if (path->remote.ip.family == 0)
        return;
    m->remote = path->remote;
    m->local = path->local.family != 0 ? path->local : any;
    nl_path_split(m);
}

static void
traffic_describe(const struct dco_peer_stats *s, struct nl_message *m)
{
    m->vpn_rx_bytes = nl_number(s->vpn_rx_bytes);
    m->vpn_tx_bytes = nl_number(s->vpn_tx_bytes);
    m->vpn_rx_packets = nl_number(s->vpn_rx_packets);
    m->vpn_tx_packets = nl_number(s->vpn_tx_packets);
    m->link_rx_bytes = nl_number(s->link_rx_bytes);
    m->link_tx_bytes = nl_number(s->link_tx_bytes);
    m->link_rx_packets = nl_number(s->link_rx_packets);
    m->link_tx_packets = nl_number(s->link_tx_packets);
}

size_t
nl_peer_fill(const struct nl_call *c, void *buf, const struct dco_peer_info *info, uint16_t flags)
{
    struct nl_message m = {
        .peer_id = nl_number(info->id),
        .tx_id = nl_number(info->tx_id),
        .vpn4 = info->vpn4,
        .vpn6 = info->vpn6,
        .interval_s = nl_number(info->interval_s),
        .timeout_s = nl_number(info->timeout_s),
        .local_port = nl_number(c->ops->transport_port(info->transport)),
    };

    path_describe(&info->path, &m);
    traffic_describe(&info->stats, &m);
    return reply_fill(c, buf, flags, &m);
}

size_t
nl_key_fill(const struct nl_call *c, void *buf, uint32_t peer_id, enum dco_slot slot,
            const struct dco_key_info *info)
{
    struct nl_message m = {
        .peer_id = nl_number(peer_id),
        .slot = nl_number(slot),
        .key_id = nl_number(info->key_id),
        .cipher = nl_number(info->cipher),
    };

    return reply_fill(c, buf, 0, &m);
}
