/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "linux/netlink/attr.h"

#define TYPE_MASK 0x3fffU /* of nla_type, without NLA_F_NESTED and NLA_F_NET_BYTEORDER */

static int
integer_check(const struct nlattr *attr, const struct netlink_policy *p)
{
    static const uint16_t size[] = {[NETLINK_U8] = 1, [NETLINK_U16] = 2, [NETLINK_U32] = 4};
    uint32_t value = 0;

    if (mnl_attr_get_payload_len(attr) != size[p->type])
        return -EINVAL;
    if (p->type == NETLINK_U8)
        value = mnl_attr_get_u8(attr);
    else if (p->type == NETLINK_U16)
        value = mnl_attr_get_u16(attr);
    else
        value = mnl_attr_get_u32(attr);
    return value < p->min || (p->max && value > p->max) ? -ERANGE : 0;
}

static int
binary_check(const struct nlattr *attr, const struct netlink_policy *p)
{
    uint16_t len = mnl_attr_get_payload_len(attr);

    return len < p->min || (p->max && len > p->max) ? -ERANGE : 0;
}

static int
attr_check(const struct nlattr *attr, const struct netlink_policy *p)
{
    bool nested = attr->nla_type & NLA_F_NESTED;

    if (p->type == NETLINK_REJECT || nested != (p->type == NETLINK_NEST))
        return -EINVAL;
    if (p->type == NETLINK_BINARY)
        return binary_check(attr, p);
    if (p->type != NETLINK_NEST)
        return integer_check(attr, p);
    if (mnl_attr_get_payload_len(attr) && mnl_attr_get_payload_len(attr) < sizeof(*attr))
        return -ERANGE;
    return netlink_parse(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr), p->nest,
                         p->nest_max, NULL);
}

int
netlink_parse(const void *attrs, size_t len, const struct netlink_policy *policy, unsigned max,
              const struct nlattr **tb)
{
    const uint8_t *at = attrs;

    if (tb)
        memset(tb, 0, (max + 1) * sizeof(*tb));
    while (len >= sizeof(struct nlattr)) {
        const struct nlattr *attr = (const void *)at;
        unsigned type = attr->nla_type & TYPE_MASK;
        size_t step = MNL_ALIGN(attr->nla_len);
        int error;

        if (attr->nla_len < sizeof(*attr) || attr->nla_len > len)
            return -EINVAL;
        if (type == 0 || type > max)
            return -EINVAL;
        error = attr_check(attr, &policy[type]);
        if (error)
            return error;
        if (tb)
            tb[type] = attr;
        at += step;
        len = len > step ? len - step : 0;
    }
    return len ? -EINVAL : 0;
}

void
netlink_parse_nest(const struct nlattr *nest, unsigned max, const struct nlattr **tb)
{
    const struct nlattr *attr;

    memset(tb, 0, (max + 1) * sizeof(*tb));
    attr_for_each_nested (attr, nest) {
        unsigned type = attr->nla_type & TYPE_MASK;

        if (type <= max)
            tb[type] = attr;
    }
}

void
netlink_ack(const struct netlink_sink *sink, const struct nlmsghdr *request, int error, bool echo)
{
    size_t echoed = error && echo ? request->nlmsg_len : sizeof(*request);
    size_t len = NLMSG_HDRLEN + sizeof(int) + echoed;
    uint8_t small[1024] __attribute__((aligned(4)));
    uint8_t *buf = len <= sizeof(small) ? small : malloc(len);
    struct nlmsghdr *nlh;
    struct nlmsgerr *err;

    if (!error && !(request->nlmsg_flags & NLM_F_ACK))
        return;
    if (!buf) { /* then without the payload, as a socket with NETLINK_CAP_ACK gets it */
        buf = small;
        echoed = sizeof(*request);
        len = NLMSG_HDRLEN + sizeof(int) + echoed;
    }
    nlh = (struct nlmsghdr *)(void *)buf;
    *nlh = (struct nlmsghdr){
        .nlmsg_len = (uint32_t)len,
        .nlmsg_type = NLMSG_ERROR,
        .nlmsg_flags = echoed == sizeof(*request) ? NLM_F_CAPPED : 0,
        .nlmsg_seq = request->nlmsg_seq,
        .nlmsg_pid = sink->portid,
    };
    err = mnl_nlmsg_get_payload(nlh);
    err->error = error;
    memcpy(&err->msg, request, echoed);
    sink->emit(sink->arg, buf, len);
    if (buf != small)
        free(buf);
}

void
netlink_done(const struct netlink_sink *sink, const struct nlmsghdr *request, int error)
{
    struct {
        struct nlmsghdr nlh;
        int status;
    } done = {
        .nlh =
            {
                .nlmsg_len = sizeof(done),
                .nlmsg_type = NLMSG_DONE,
                .nlmsg_flags = NLM_F_MULTI,
                .nlmsg_seq = request->nlmsg_seq,
                .nlmsg_pid = sink->portid,
            },
        .status = error,
    };

    sink->emit(sink->arg, &done, sizeof(done));
}

bool
netlink_is_request(const struct netlink_sink *sink, const struct nlmsghdr *request)
{
    if ((request->nlmsg_flags & NLM_F_REQUEST) && request->nlmsg_type >= NLMSG_MIN_TYPE)
        return true;
    netlink_ack(sink, request, 0, false);
    return false;
}
