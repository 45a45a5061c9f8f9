/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/route_msg.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

struct attrs {
    const struct nlattr *a[RTA_MAX + 1];
};

static int
collect(const struct nlattr *attr, void *data)
{
    struct attrs *attrs = data;

    if (mnl_attr_type_valid(attr, RTA_MAX) > 0)
        attrs->a[mnl_attr_get_type(attr)] = attr;
    return MNL_CB_OK;
}

static bool
get_u32(const struct nlattr *attr, uint32_t *value)
{
    if (attr == NULL)
        return true;
    if (mnl_attr_get_payload_len(attr) != sizeof(*value))
        return false;
    *value = mnl_attr_get_u32(attr);
    return true;
}

static bool
make_ip(uint8_t family, const void *addr, size_t len, struct dco_ip *ip)
{
    if (family == AF_INET && len == 4) {
        *ip = dco_ip4(addr);
        return true;
    }
    if (family == AF_INET6 && len == 16) {
        *ip = dco_ip6(addr);
        return true;
    }
    return false;
}

/* A gateway of the route's own family, or of another one with its family in front (RTA_VIA). */
static bool
get_gateway(uint8_t family, const struct attrs *attrs, struct dco_ip *gateway)
{
    const struct nlattr *own = attrs->a[RTA_GATEWAY], *via = attrs->a[RTA_VIA];
    const struct rtvia *v;

    if (own != NULL)
        return make_ip(family, mnl_attr_get_payload(own), mnl_attr_get_payload_len(own), gateway);
    if (via == NULL)
        return true;
    v = mnl_attr_get_payload(via);
    return mnl_attr_get_payload_len(via) >= sizeof(*v) &&
           make_ip((uint8_t)v->rtvia_family, v->rtvia_addr,
                   mnl_attr_get_payload_len(via) - sizeof(*v), gateway);
}

static struct route_hop *
new_hop(struct route_msg *msg)
{
    struct route_hop *hop = &msg->hop[msg->n++];

    memset(hop, 0, sizeof(*hop));
    return hop;
}

static bool
parse_multipath(uint8_t family, const struct nlattr *nest, struct route_msg *msg)
{
    const struct rtnexthop *nh = mnl_attr_get_payload(nest);
    size_t left = mnl_attr_get_payload_len(nest), step;

    while (left >= sizeof(*nh) && msg->n < ROUTE_HOPS_MAX) {
        struct attrs attrs = {0};
        struct route_hop *hop;

        if (nh->rtnh_len < sizeof(*nh) || nh->rtnh_len > left)
            return false;
        hop = new_hop(msg);
        hop->ifindex = (uint32_t)nh->rtnh_ifindex;
        if (mnl_attr_parse_payload(nh + 1, nh->rtnh_len - sizeof(*nh), collect, &attrs) < 0 ||
            !get_gateway(family, &attrs, &hop->gateway)) {
            return false;
        }
        step = RTNH_ALIGN(nh->rtnh_len);
        if (step >= left)
            break;
        left -= step;
        nh = (const struct rtnexthop *)((const char *)nh + step);
    }
    return true;
}

static bool
parse_hops(uint8_t family, const struct attrs *attrs, struct route_msg *msg)
{
    struct route_hop *hop;

    if (attrs->a[RTA_MULTIPATH] != NULL)
        return parse_multipath(family, attrs->a[RTA_MULTIPATH], msg);
    if (attrs->a[RTA_OIF] == NULL && attrs->a[RTA_GATEWAY] == NULL && attrs->a[RTA_VIA] == NULL)
        return true;
    hop = new_hop(msg);
    return get_u32(attrs->a[RTA_OIF], &hop->ifindex) && get_gateway(family, attrs, &hop->gateway);
}

static bool
parse_key(const struct rtmsg *rtm, const struct attrs *attrs, struct route_key *key)
{
    static const uint8_t any[16];
    size_t width = rtm->rtm_family == AF_INET ? 4 : 16;
    const struct nlattr *dst = attrs->a[RTA_DST];

    key->table = rtm->rtm_table;
    key->tos = rtm->rtm_tos;
    key->len = rtm->rtm_dst_len;
    return rtm->rtm_dst_len <= width * 8 && get_u32(attrs->a[RTA_TABLE], &key->table) &&
           get_u32(attrs->a[RTA_PRIORITY], &key->metric) &&
           make_ip(rtm->rtm_family, dst != NULL ? mnl_attr_get_payload(dst) : any,
                   dst != NULL ? mnl_attr_get_payload_len(dst) : width, &key->prefix);
}

/* Not mnl_attr_parse(), which rounds the length of the message up to a multiple of 4. */
static bool
parse_attrs(const struct nlmsghdr *nlh, struct attrs *attrs)
{
    size_t len = nlh->nlmsg_len - NLMSG_SPACE(sizeof(struct rtmsg));

    return mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct rtmsg)), len,
                                  collect, attrs) >= 0;
}

bool
route_msg_parse(const struct nlmsghdr *nlh, struct route_msg *msg)
{
    const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
    struct attrs attrs = {0};

    if ((nlh->nlmsg_type != RTM_NEWROUTE && nlh->nlmsg_type != RTM_DELROUTE) ||
        nlh->nlmsg_len < NLMSG_SPACE(sizeof(*rtm)) ||
        (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) || !parse_attrs(nlh, &attrs)) {
        return false;
    }
    msg->add = nlh->nlmsg_type == RTM_NEWROUTE;
    msg->replace = msg->add && (nlh->nlmsg_flags & NLM_F_REPLACE) != 0;
    msg->append = msg->add && (nlh->nlmsg_flags & NLM_F_APPEND) != 0;
    msg->n = 0;
    memset(&msg->key, 0, sizeof(msg->key));
    if (!parse_key(rtm, &attrs, &msg->key))
        return false;
    if ((rtm->rtm_type != RTN_UNICAST && (msg->add || rtm->rtm_type != RTN_UNSPEC)) ||
        (rtm->rtm_flags & RTM_F_CLONED) != 0)
        return true;
    if (!parse_hops(rtm->rtm_family, &attrs, msg))
        return false;
    for (unsigned i = 0; i < msg->n; i++)
        msg->hop[i].subnet = rtm->rtm_protocol == RTPROT_KERNEL;
    return true;
}

/* Not mnl_nlmsg_ok(), which takes lengths above 2^31 for negative ones. */
void
route_msg_each(const void *buf, size_t len, void (*fn)(const struct nlmsghdr *, void *), void *arg)
{
    while (len >= sizeof(struct nlmsghdr)) {
        const struct nlmsghdr *nlh = buf;
        size_t step;

        if (nlh->nlmsg_len < sizeof(*nlh) || nlh->nlmsg_len > len)
            break;
        fn(nlh, arg);
        step = NLMSG_ALIGN((size_t)nlh->nlmsg_len);
        if (step >= len)
            break;
        buf = (const char *)buf + step;
        len -= step;
    }
}
