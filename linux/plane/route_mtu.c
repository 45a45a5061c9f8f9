/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/route_mtu.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "linux/plane/rtnl_query.h"

#define REPLY_BYTES   4096U
#define REQUEST_BYTES 64U

struct found {
    uint32_t mtu, oif; /* 0: not found */
};

static void
read_u32(const struct nlattr *attr, uint32_t *value)
{
    if (mnl_attr_get_payload_len(attr) == sizeof(*value))
        *value = mnl_attr_get_u32(attr);
}

static int
metric(const struct nlattr *attr, void *arg)
{
    struct found *found = arg;

    if (mnl_attr_get_type(attr) == RTAX_MTU)
        read_u32(attr, &found->mtu);
    return MNL_CB_OK;
}

/* Of several nexthops only the first one counts: different MTUs for them lead to fragments. */
static int
route_attribute(const struct nlattr *attr, void *arg)
{
    const struct rtnexthop *hop = mnl_attr_get_payload(attr);
    size_t len = mnl_attr_get_payload_len(attr);
    struct found *found = arg;

    switch (mnl_attr_get_type(attr)) {
    case RTA_METRICS:
        return mnl_attr_parse_payload(mnl_attr_get_payload(attr), len, metric, found);
    case RTA_OIF:
        read_u32(attr, &found->oif);
        break;
    case RTA_MULTIPATH:
        if (len >= sizeof(*hop) && found->oif == 0)
            found->oif = (uint32_t)hop->rtnh_ifindex;
        break;
    }
    return MNL_CB_OK;
}

static int
link_attribute(const struct nlattr *attr, void *arg)
{
    struct found *found = arg;

    if (mnl_attr_get_type(attr) == IFLA_MTU)
        read_u32(attr, &found->mtu);
    return MNL_CB_OK;
}

/* Calls fn for the attributes of a message of this type with a body of this size, and for none of
 * another message. Its length was checked. */
static void
attributes(const struct nlmsghdr *nlh, uint16_t type, size_t body, mnl_attr_cb_t fn,
           struct found *found)
{
    size_t len = mnl_nlmsg_get_payload_len(nlh);

    if (nlh->nlmsg_type == type && len >= body)
        (void)mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(nlh, body), len - body, fn,
                                     found);
}

static unsigned
device_mtu(struct fib *fib, uint32_t ifindex)
{
    char request[REQUEST_BYTES] __attribute__((aligned(8)));
    char reply[REPLY_BYTES] __attribute__((aligned(8)));
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
    struct found found = {0};
    struct ifinfomsg *ifi;

    nlh->nlmsg_type = RTM_GETLINK;
    nlh->nlmsg_flags = NLM_F_REQUEST;
    nlh->nlmsg_seq = ++fib->seq;
    ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
    ifi->ifi_index = (int)ifindex;
    if (rtnl_query(fib->fd, nlh, reply, sizeof(reply)) >= 0)
        attributes((const void *)reply, RTM_NEWLINK, sizeof(*ifi), link_attribute, &found);
    return found.mtu;
}

unsigned
route_mtu_get(struct fib *fib, const struct fib_flow *flow)
{
    char reply[REPLY_BYTES] __attribute__((aligned(8)));
    struct found found = {0};

    if (flow->dst.family != 4 || fib_ask(fib, flow, reply, sizeof(reply)) < 0)
        return 0;
    attributes((const void *)reply, RTM_NEWROUTE, sizeof(struct rtmsg), route_attribute, &found);
    return found.mtu != 0 || found.oif == 0 ? found.mtu : device_mtu(fib, found.oif);
}
