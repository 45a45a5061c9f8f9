/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/nlctrl.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "linux/netlink/attr.h"
#include "linux/netlink/codec.h"

#define CTRL_REPLY_VERSION 2
#define GROUP_NAME         "peers"

const struct nl_family *
nlctrl_asks_for(const struct nlmsghdr *request)
{
    const struct genlmsghdr *genl = mnl_nlmsg_get_payload(request);
    const struct nlattr *attr;

    if (request->nlmsg_type != GENL_ID_CTRL || !(request->nlmsg_flags & NLM_F_REQUEST) ||
        request->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN || genl->cmd != CTRL_CMD_GETFAMILY ||
        (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
        return NULL;
    attr_for_each (attr, request, GENL_HDRLEN) {
        if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_NAME)
            return nl_family_by_name(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
        if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
            mnl_attr_get_payload_len(attr) == sizeof(uint16_t))
            return nl_family_by_id(mnl_attr_get_u16(attr));
    }
    return NULL;
}

static void
ops_fill(const struct nl_family *family, struct nlmsghdr *nlh)
{
    struct nlattr *ops = mnl_attr_nest_start(nlh, CTRL_ATTR_OPS);
    uint16_t n = 0;

    for (uint8_t number = 0; number < family->commands; number++) {
        const struct nl_command *command = &family->command[number];
        uint32_t dump = command->dump ? GENL_CMD_CAP_DUMP : 0;
        struct nlattr *op;

        if (command->run == NULL)
            continue;
        op = mnl_attr_nest_start(nlh, ++n);
        mnl_attr_put_u32(nlh, CTRL_ATTR_OP_ID, number);
        mnl_attr_put_u32(nlh, CTRL_ATTR_OP_FLAGS,
                         GENL_ADMIN_PERM | GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL | dump);
        mnl_attr_nest_end(nlh, op);
    }
    mnl_attr_nest_end(nlh, ops);
}

static void
groups_fill(const struct nl_family *family, struct nlmsghdr *nlh)
{
    struct nlattr *groups = mnl_attr_nest_start(nlh, CTRL_ATTR_MCAST_GROUPS);
    struct nlattr *group = mnl_attr_nest_start(nlh, 1);

    mnl_attr_put_u32(nlh, CTRL_ATTR_MCAST_GRP_ID, family->group_id);
    mnl_attr_put_strz(nlh, CTRL_ATTR_MCAST_GRP_NAME, GROUP_NAME);
    mnl_attr_nest_end(nlh, group);
    mnl_attr_nest_end(nlh, groups);
}

void
nlctrl_answer(const struct nl_family *family, const struct netlink_sink *sink,
              const struct nlmsghdr *request)
{
    uint8_t buf[512] __attribute__((aligned(8))) = {0};
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

    nlh->nlmsg_type = GENL_ID_CTRL;
    nlh->nlmsg_seq = request->nlmsg_seq;
    nlh->nlmsg_pid = sink->portid;
    genl->cmd = CTRL_CMD_NEWFAMILY;
    genl->version = CTRL_REPLY_VERSION;
    mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, family->name);
    mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, family->family_id);
    mnl_attr_put_u32(nlh, CTRL_ATTR_VERSION, family->version);
    mnl_attr_put_u32(nlh, CTRL_ATTR_HDRSIZE, 0);
    mnl_attr_put_u32(nlh, CTRL_ATTR_MAXATTR, nl_set_max(family->top));
    ops_fill(family, nlh);
    groups_fill(family, nlh);
    sink->emit(sink->arg, buf, nlh->nlmsg_len);
    netlink_ack(sink, request, 0, false);
}
