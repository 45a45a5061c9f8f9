/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/notification.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <string.h>

#include "linux/netlink/codec.h"
#include "linux/netlink/reply.h"

/* 0 if the family has no notification for the event. */
static uint8_t
event_command(const struct nl_family *family, uint32_t event)
{
    for (uint8_t number = 1; number < family->commands; number++)
        if (family->command[number].event == event)
            return number;
    return 0;
}

static struct nl_message
event_describe(const struct dco_event *event, uint32_t ifindex)
{
    struct nl_message m = {
        .ifindex = nl_number(ifindex),
        .peer_id = nl_number(event->peer_id),
        .del_reason = nl_number(event->del_reason),
        .key_id = nl_number(event->key_id),
        .remote = event->remote,
    };

    nl_path_split(&m);
    return m;
}

size_t
nl_notification_fill(const struct nl_family *family, void *buf, uint32_t ifindex,
                     const struct dco_event *event)
{
    uint8_t command = event_command(family, event->kind);
    struct nl_message m = event_describe(event, ifindex);
    struct nlmsghdr *nlh;

    if (command == 0)
        return 0;
    memset(buf, 0, NL_NOTIFICATION_MAX);
    nlh = nl_header_fill(family, buf, NULL, 0, command, 0);
    nl_fill(family->top, command, &m, nlh);
    return nlh->nlmsg_len;
}

const struct nl_family *
nl_notification_of(const void *data, size_t len)
{
    struct nlmsghdr nlh;

    if (len < sizeof(nlh))
        return NULL;
    memcpy(&nlh, data, sizeof(nlh));
    return nlh.nlmsg_seq == 0 && nlh.nlmsg_pid == 0 ? nl_family_by_id(nlh.nlmsg_type) : NULL;
}

static bool
u32_find(const void *attrs, size_t len, uint16_t number, uint32_t *value)
{
    const struct nlattr *attr = nl_attr_find(attrs, len, number);

    if (attr == NULL || mnl_attr_get_payload_len(attr) != sizeof(*value))
        return false;
    *value = mnl_attr_get_u32(attr);
    return true;
}

/* The number of the attribute that names the peer. */
static uint16_t
peer_id_number(const struct nl_set *set)
{
    const struct nl_attr *a = set->attr;

    while (a->form != NL_NUMBER || a->offset != offsetof(struct nl_message, peer_id))
        a++;
    return a->number;
}

/* The command, if it reports an event, makes or removes a peer or installs a key; else NULL. */
static const struct nl_command *
command_about_peer(const struct nl_family *family, uint8_t number)
{
    const struct nl_command *command;

    if (number >= family->commands)
        return NULL;
    command = &family->command[number];
    return command->event != 0 || command->secret || number == family->peer_new ||
                   number == family->peer_del
               ? command
               : NULL;
}

bool
nl_peer_ref_of(const struct nl_family *family, const struct nlmsghdr *nlh, struct nl_peer_ref *ref)
{
    const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
    const struct nl_command *command;
    const struct nlattr *nest;
    size_t len;

    if (nlh->nlmsg_type != family->family_id || nlh->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
        return false;
    command = command_about_peer(family, genl->cmd);
    len = nlh->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
    nest = command != NULL ? nl_attr_find(genl + 1, len, command->nest) : NULL;
    if (nest == NULL)
        return false;
    ref->command = genl->cmd;
    ref->removal = command->event == DCO_EVENT_DEL;
    ref->key = command->secret;
    return u32_find(genl + 1, len, NL_A_IFINDEX, &ref->ifindex) &&
           u32_find(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest),
                    peer_id_number(nl_command_set(family, command)), &ref->peer_id);
}
