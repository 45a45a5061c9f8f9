/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/request.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <string.h>

#include "linux/netlink/codec.h"
#include "linux/netlink/reply.h"

static void
dump_peers(const struct nl_call *c)
{
    uint8_t buf[NETLINK_DATAGRAM_MAX] __attribute__((aligned(8)));
    struct dco_peer_info info;
    size_t len = 0;
    uint32_t from = 0;

    while (dco_control_peer_next(c->peers, from, &info) == 0) {
        if (sizeof(buf) - len < NL_REPLY_MAX) {
            c->sink->emit(c->sink->arg, buf, len);
            len = 0;
        }
        memset(buf + len, 0, NL_REPLY_MAX);
        len += nl_peer_fill(c, buf + len, &info, NLM_F_MULTI);
        if (info.id == UINT32_MAX)
            break;
        from = info.id + 1;
    }
    if (len != 0)
        c->sink->emit(c->sink->arg, buf, len);
}

/* Reads the top level of a valid request: its device, and the nest of its command. */
static int
top_read(struct nl_call *c, const struct nl_command *command, const struct nlattr **nest)
{
    const struct nlattr *ifindex;
    const uint8_t *attrs = mnl_nlmsg_get_payload_offset(c->request, GENL_HDRLEN);
    size_t len = c->request->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;

    ifindex = nl_attr_find(attrs, len, NL_A_IFINDEX);
    *nest = nl_attr_find(attrs, len, command->nest);
    if (ifindex == NULL)
        return -EINVAL;
    c->ifindex = mnl_attr_get_u32(ifindex);
    return c->ops->device(c->family->link_kind, c->ifindex, &c->peers);
}

static void
run_dump(struct nl_call *c, const struct nl_command *command)
{
    const struct nlattr *nest;
    int err = top_read(c, command, &nest);

    if (err == 0)
        dump_peers(c);
    netlink_done(c->sink, c->request, err);
}

static int
run_do(struct nl_call *c, uint8_t number)
{
    const struct nl_command *command = &c->family->command[number];
    struct nl_message message = {0};
    const struct nlattr *nest;
    int err = top_read(c, command, &nest);

    if (err == 0 && nest == NULL)
        err = -EINVAL;
    if (err == 0)
        err = nl_read(nl_command_set(c->family, command), number, nest, &message);
    return err == 0 ? command->run(c, &message) : err;
}

bool
nl_is_dump(const struct nlmsghdr *request)
{
    return (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

/* The command of the request, or NULL if there is no such command. */
static const struct nl_command *
command_of(const struct nl_family *family, const struct nlmsghdr *request)
{
    const struct genlmsghdr *genl = mnl_nlmsg_get_payload(request);
    const struct nl_command *command;

    if (request->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN || genl->cmd >= family->commands)
        return NULL;
    command = &family->command[genl->cmd];
    return command->run != NULL && (!nl_is_dump(request) || command->dump) ? command : NULL;
}

bool
nl_request(const struct nl_family *family, const struct nl_ops *ops,
           const struct netlink_sink *sink, const struct nlmsghdr *request, int *err)
{
    struct nl_call c = {.family = family, .ops = ops, .sink = sink, .request = request};
    const struct genlmsghdr *genl = mnl_nlmsg_get_payload(request);
    const struct nl_command *command = command_of(family, request);

    *err = 0;
    if (!netlink_is_request(sink, request))
        return false;
    if (command == NULL) {
        *err = request->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN ? -EINVAL : -EOPNOTSUPP;
        return true;
    }
    *err = nl_validate(family->top, genl->cmd, genl + 1,
                       request->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN);
    if (*err == 0 && nl_is_dump(request)) {
        run_dump(&c, command);
        return false;
    }
    if (*err == 0)
        *err = run_do(&c, genl->cmd);
    return true;
}

void
nl_request_acknowledge(const struct nl_family *family, const struct netlink_sink *sink,
                       const struct nlmsghdr *request, int err)
{
    const struct nl_command *command = command_of(family, request);

    if (err == -ENOMEM) /* openvpn would exit and disconnect all its clients */
        err = -ENOSPC;
    netlink_ack(sink, request, err, command == NULL || !command->secret);
}
