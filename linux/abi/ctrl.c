/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/abi/ctrl.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <string.h>

#include "linux/abi/dco_v2.h"

#define CTRL_REPLY_VERSION 2

static bool
names_us(const struct nlattr *attr)
{
    size_t len = mnl_attr_get_payload_len(attr);
    const char *name = mnl_attr_get_payload(attr);

    /* The terminating NUL is optional in netlink. */
    len = strnlen(name, len);
    return len == strlen(DCO_V2_NAME) && memcmp(name, DCO_V2_NAME, len) == 0;
}

bool
ctrl_asks_for_us(const struct nlmsghdr *request)
{
    const struct genlmsghdr *genl = mnl_nlmsg_get_payload(request);
    const struct nlattr *attr;

    if (request->nlmsg_type != GENL_ID_CTRL || !(request->nlmsg_flags & NLM_F_REQUEST) ||
        request->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN || genl->cmd != CTRL_CMD_GETFAMILY ||
        (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
        return false;
    mnl_attr_for_each(attr, request, GENL_HDRLEN)
    {
        if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_NAME)
            return names_us(attr);
        if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
            mnl_attr_get_payload_len(attr) == sizeof(uint16_t))
            return mnl_attr_get_u16(attr) == DCO_V2_FAMILY_ID;
    }
    return false;
}

static void
ops_put(struct nlmsghdr *nlh)
{
    struct nlattr *ops = mnl_attr_nest_start(nlh, CTRL_ATTR_OPS);

    for (uint16_t command = DCO_V2_NEW_PEER; command <= DCO_V2_GET_PEER; command++) {
        struct nlattr *op = mnl_attr_nest_start(nlh, command);
        uint32_t dump = command == DCO_V2_GET_PEER ? GENL_CMD_CAP_DUMP : 0;

        mnl_attr_put_u32(nlh, CTRL_ATTR_OP_ID, command);
        mnl_attr_put_u32(nlh, CTRL_ATTR_OP_FLAGS,
                         GENL_ADMIN_PERM | GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL | dump);
        mnl_attr_nest_end(nlh, op);
    }
    mnl_attr_nest_end(nlh, ops);
}

static void
groups_put(struct nlmsghdr *nlh)
{
    struct nlattr *groups = mnl_attr_nest_start(nlh, CTRL_ATTR_MCAST_GROUPS);
    struct nlattr *group = mnl_attr_nest_start(nlh, 1);

    mnl_attr_put_u32(nlh, CTRL_ATTR_MCAST_GRP_ID, DCO_V2_GROUP_ID);
    mnl_attr_put_strz(nlh, CTRL_ATTR_MCAST_GRP_NAME, DCO_V2_GROUP);
    mnl_attr_nest_end(nlh, group);
    mnl_attr_nest_end(nlh, groups);
}

void
ctrl_answer(const struct netlink_sink *sink, const struct nlmsghdr *request)
{
    uint8_t buf[512] __attribute__((aligned(8))) = {0};
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

    nlh->nlmsg_type = GENL_ID_CTRL;
    nlh->nlmsg_seq = request->nlmsg_seq;
    nlh->nlmsg_pid = sink->portid;
    genl->cmd = CTRL_CMD_NEWFAMILY;
    genl->version = CTRL_REPLY_VERSION;
    mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, DCO_V2_NAME);
    mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, DCO_V2_FAMILY_ID);
    mnl_attr_put_u32(nlh, CTRL_ATTR_VERSION, DCO_V2_VERSION);
    mnl_attr_put_u32(nlh, CTRL_ATTR_HDRSIZE, 0);
    mnl_attr_put_u32(nlh, CTRL_ATTR_MAXATTR, DCO_V2_MAXATTR);
    ops_put(nlh);
    groups_put(nlh);
    sink->emit(sink->arg, buf, nlh->nlmsg_len);
    netlink_ack(sink, request, 0, false);
}
