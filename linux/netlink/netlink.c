/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/netlink.h"

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "linux/netlink/attr.h"

void
netlink_parse_nest(const struct nlattr *nest, unsigned max, const struct nlattr **tb)
{
    const struct nlattr *attr;

    memset(tb, 0, (max + 1) * sizeof(*tb));
    attr_for_each_nested (attr, nest) {
        if (mnl_attr_get_type(attr) <= max)
            tb[mnl_attr_get_type(attr)] = attr;
    }
}

void
netlink_ack(const struct netlink_sink *sink, const struct nlmsghdr *request, int err, bool echo)
{
    size_t echoed = err != 0 && echo ? request->nlmsg_len : sizeof(*request);
    size_t len = NLMSG_HDRLEN + sizeof(int) + echoed;
    uint8_t small[1024] __attribute__((aligned(4)));
    uint8_t *buf = len <= sizeof(small) ? small : malloc(len);
    struct nlmsghdr *nlh;
    struct nlmsgerr *body;

    if (err == 0 && (request->nlmsg_flags & NLM_F_ACK) == 0)
        return;
    if (buf == NULL) { /* no memory: leave out the payload, as for a socket with NETLINK_CAP_ACK */
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
    body = mnl_nlmsg_get_payload(nlh);
    body->error = err;
    memcpy(&body->msg, request, echoed);
    sink->emit(sink->arg, buf, len);
    if (buf != small)
        free(buf);
}

void
netlink_done(const struct netlink_sink *sink, const struct nlmsghdr *request, int err)
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
        .status = err,
    };

    sink->emit(sink->arg, &done, sizeof(done));
}

bool
netlink_is_request(const struct netlink_sink *sink, const struct nlmsghdr *request)
{
    if ((request->nlmsg_flags & NLM_F_REQUEST) != 0 && request->nlmsg_type >= NLMSG_MIN_TYPE)
        return true;
    netlink_ack(sink, request, 0, false);
    return false;
}
