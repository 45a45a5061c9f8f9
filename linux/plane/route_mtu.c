/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/route_mtu.h"

#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/plane/rtnl_query.h"

#define REPLY_MAX 4096

struct request {
    struct nlmsghdr nlh;
    union {
        struct rtmsg route;
        struct ifinfomsg link;
    } body;
    char attrs[64];
};

static void
request_init(struct request *req, uint16_t type, size_t body)
{
    memset(req, 0, sizeof(*req));
    req->nlh.nlmsg_type = type;
    req->nlh.nlmsg_flags = NLM_F_REQUEST;
    req->nlh.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
}

static void
request_add(struct request *req, uint16_t type, const void *data)
{
    struct rtattr attr = {.rta_len = RTA_LENGTH(4), .rta_type = type};
    char *at = (char *)req + NLMSG_ALIGN(req->nlh.nlmsg_len);

    memcpy(at, &attr, sizeof(attr));
    memcpy(at + sizeof(attr), data, 4);
    req->nlh.nlmsg_len = (uint32_t)(NLMSG_ALIGN(req->nlh.nlmsg_len) + RTA_LENGTH(4));
}

static ssize_t
ask(int fd, struct request *req, void *reply)
{
    static uint32_t seq; /* housekeeping */

    req->nlh.nlmsg_seq = ++seq;
    return rtnl_query(fd, &req->nlh, reply, REPLY_MAX);
}

/* Calls fn for each attribute between `at` and len. */
static void
attributes(const char *buf, size_t at, size_t len,
           void (*fn)(uint16_t type, const char *data, size_t len, void *arg), void *arg)
{
    struct rtattr attr;

    while (at + sizeof(attr) <= len) {
        memcpy(&attr, buf + at, sizeof(attr));
        if (attr.rta_len < sizeof(attr) || attr.rta_len > len - at)
            return;
        fn(attr.rta_type, buf + at + sizeof(attr), attr.rta_len - sizeof(attr), arg);
        at += RTA_ALIGN(attr.rta_len);
    }
}

struct found {
    uint32_t mtu, oif;
};

static void
metric(uint16_t type, const char *data, size_t len, void *arg)
{
    struct found *found = arg;

    if (type == RTAX_MTU && len == sizeof(found->mtu))
        memcpy(&found->mtu, data, sizeof(found->mtu));
}

/* Of several nexthops only the first one counts: different MTUs for them lead to fragments. */
static void
route_attribute(uint16_t type, const char *data, size_t len, void *arg)
{
    struct found *found = arg;
    struct rtnexthop hop;

    if (type == RTA_METRICS)
        attributes(data, 0, len, metric, found);
    else if (type == RTA_OIF && len == sizeof(found->oif))
        memcpy(&found->oif, data, sizeof(found->oif));
    else if (type == RTA_MULTIPATH && len >= sizeof(hop) && found->oif == 0) {
        memcpy(&hop, data, sizeof(hop));
        found->oif = (uint32_t)hop.rtnh_ifindex;
    }
}

static void
link_attribute(uint16_t type, const char *data, size_t len, void *arg)
{
    struct found *found = arg;

    if (type == IFLA_MTU && len == sizeof(found->mtu))
        memcpy(&found->mtu, data, sizeof(found->mtu));
}

/* The length of the first message if it has this type and at least a body of this size, else 0. */
static size_t
message_len(const void *buf, size_t len, uint16_t type, size_t body)
{
    struct nlmsghdr nlh;

    if (len < NLMSG_LENGTH(body))
        return 0;
    memcpy(&nlh, buf, sizeof(nlh));
    if (nlh.nlmsg_type != type || nlh.nlmsg_len > len || nlh.nlmsg_len < NLMSG_LENGTH(body))
        return 0;
    return nlh.nlmsg_len;
}

bool
route_mtu_parse(const void *buf, size_t len, unsigned *mtu, uint32_t *oif)
{
    struct found found = {0};
    size_t end = message_len(buf, len, RTM_NEWROUTE, sizeof(struct rtmsg));

    if (end == 0)
        return false;
    attributes(buf, NLMSG_SPACE(sizeof(struct rtmsg)), end, route_attribute, &found);
    *mtu = found.mtu;
    *oif = found.oif;
    return true;
}

static unsigned
device_mtu(int fd, uint32_t ifindex)
{
    char reply[REPLY_MAX];
    struct found found = {0};
    struct request req;
    ssize_t n;
    size_t end;

    request_init(&req, RTM_GETLINK, sizeof(req.body.link));
    req.body.link.ifi_index = (int)ifindex;
    n = ask(fd, &req, reply);
    end = n < 0 ? 0 : message_len(reply, (size_t)n, RTM_NEWLINK, sizeof(struct ifinfomsg));
    attributes(reply, NLMSG_SPACE(sizeof(struct ifinfomsg)), end, link_attribute, &found);
    return found.mtu;
}

unsigned
route_mtu_get(int fd, const struct route_question *q)
{
    char reply[REPLY_MAX];
    struct request req;
    unsigned mtu = 0;
    uint32_t oif = 0;
    ssize_t n;

    if (fd < 0 || q->remote.family != 4)
        return 0;
    request_init(&req, RTM_GETROUTE, sizeof(req.body.route));
    req.body.route.rtm_family = AF_INET;
    req.body.route.rtm_dst_len = 32;
    req.body.route.rtm_flags = RTM_F_FIB_MATCH; /* the entry itself, without learnt exceptions */
    request_add(&req, RTA_DST, q->remote.addr);
    if (q->local.family == 4)
        request_add(&req, RTA_SRC, q->local.addr);
    if (q->oif != 0)
        request_add(&req, RTA_OIF, &q->oif);
    if (q->mark != 0)
        request_add(&req, RTA_MARK, &q->mark);
    n = ask(fd, &req, reply);
    if (n < 0 || !route_mtu_parse(reply, (size_t)n, &mtu, &oif))
        return 0;
    return mtu != 0 || oif == 0 ? mtu : device_mtu(fd, oif);
}
