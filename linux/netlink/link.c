/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/link.h"

#include <ctype.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "linux/netlink/attr.h"

#define IFLA_OVPN_MODE 1

/*
 * The value that link_becomes_result() puts into nlmsg_pid, and why it comes back safely:
 *
 *  1. The kernel hands no message of a control type (below NLMSG_MIN_TYPE) to a handler. It answers
 *     an NLMSG_NOOP that has NLM_F_REQUEST and NLM_F_ACK with an NLMSG_ERROR of error 0, and echoes
 *     the header of the request as it came, nlmsg_pid included (netlink_rcv_skb(), netlink_ack()).
 *  2. An acknowledgement of any other request echoes another type than NLMSG_NOOP, and
 *     result_restore() leaves it alone. Only a process that itself sends an NLMSG_NOOP could have
 *     its acknowledgement mistaken for ours. Neither openvpn nor libnl sends one.
 *  3. Such a process would also have to put the prefix into nlmsg_pid. The kernel's port ids never
 *     have it: they are process ids, below 2^22, or negative counters from -4096 down. libnl's port
 *     ids are process id + (n << 22); fewer than one in a thousand have the prefix.
 *  4. The overwritten fields are restored: RESULT_NEW and RESULT_ROUTE give the type, and nlmsg_pid
 *     becomes the port of the socket that asked, which libnl had put there.
 */
#define RESULT_MAGIC      0x5dc00000U
#define RESULT_MAGIC_MASK 0xfff00000U
#define RESULT_ERRNO      0x00000fffU
#define RESULT_NEW        0x00001000U /* RTM_NEW...; if not set, RTM_DEL... */
#define RESULT_NO_ACK     0x00002000U /* the requester wants errors only */
#define RESULT_ROUTE      0x00004000U /* RTM_...ROUTE; if not set, RTM_...LINK */

/* Requests */

static void
mode_parse(const struct nlattr *data, struct link_request *link)
{
    const struct nlattr *attr;

    attr_for_each_nested (attr, data) {
        if (mnl_attr_get_type(attr) != IFLA_OVPN_MODE)
            continue;
        if (mnl_attr_get_payload_len(attr) < 1 || mnl_attr_get_u8(attr) > DCO_MODE_MP)
            link->error = -ERANGE;
        else
            link->mode = mnl_attr_get_u8(attr);
    }
}

static void
linkinfo_parse(const struct nlattr *info, struct link_request *link)
{
    const struct nlattr *attr, *data = NULL;

    attr_for_each_nested (attr, info) {
        if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
            link->family =
                nl_family_by_kind(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
        else if (mnl_attr_get_type(attr) == IFLA_INFO_DATA)
            data = attr;
    }
    if (link->family != NULL && data != NULL)
        mode_parse(data, link);
}

static void
name_parse(const struct nlattr *attr, struct link_request *link)
{
    size_t len = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));

    if (len >= sizeof(link->name)) {
        link->error = -ERANGE;
        return;
    }
    memcpy(link->name, mnl_attr_get_payload(attr), len);
    link->name[len] = '\0';
}

void
link_parse(const struct nlmsghdr *request, struct link_request *link)
{
    const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(request);
    const struct nlattr *attr;

    memset(link, 0, sizeof(*link));
    if ((request->nlmsg_flags & NLM_F_REQUEST) == 0 ||
        request->nlmsg_len < NLMSG_HDRLEN + sizeof(*ifi))
        return;
    link->ifindex = (uint32_t)ifi->ifi_index;
    attr_for_each (attr, request, sizeof(*ifi)) {
        if (mnl_attr_get_type(attr) == IFLA_IFNAME)
            name_parse(attr, link);
        else if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
            linkinfo_parse(attr, link);
    }
    if (request->nlmsg_type == RTM_NEWLINK && link->family != NULL)
        link->what = LINK_NEW;
    else if (request->nlmsg_type == RTM_DELLINK)
        link->what = LINK_DELETE;
    else if (request->nlmsg_type == RTM_GETLINK)
        link->what = LINK_GET;
}

bool
link_name_ok(const char *name)
{
    size_t len = strnlen(name, IFNAMSIZ);

    if (len == 0 || len == IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (; *name; name++)
        if (*name == '/' || *name == ':' || isspace((unsigned char)*name))
            return false;
    return true;
}

void
link_becomes_change(struct nlmsghdr *request, uint32_t ifindex)
{
    struct ifinfomsg *ifi = mnl_nlmsg_get_payload(request);
    uint8_t *end = (uint8_t *)request + request->nlmsg_len;
    uint8_t *to = (uint8_t *)(ifi + 1);
    uint8_t *from = to;

    ifi->ifi_index = (int)ifindex;
    request->nlmsg_flags &= (uint16_t) ~(NLM_F_CREATE | NLM_F_EXCL | NLM_F_REPLACE);
    while (mnl_attr_ok((struct nlattr *)(void *)from, (int)(end - from))) {
        const struct nlattr *attr = (struct nlattr *)(void *)from;
        uint16_t type = mnl_attr_get_type(attr);
        size_t step = MNL_ALIGN(attr->nla_len);

        if (step > (size_t)(end - from))
            step = (size_t)(end - from);
        if (type != IFLA_IFNAME && type != IFLA_LINKINFO) {
            memmove(to, from, step);
            to += step;
        }
        from += step;
    }
    request->nlmsg_len = (uint32_t)(to - (uint8_t *)request);
}

void
link_becomes_result(struct nlmsghdr *request, int err)
{
    uint32_t result = RESULT_MAGIC | ((uint32_t)-err & RESULT_ERRNO);

    if (request->nlmsg_type == RTM_NEWLINK || request->nlmsg_type == RTM_NEWROUTE)
        result |= RESULT_NEW;
    if (request->nlmsg_type == RTM_NEWROUTE || request->nlmsg_type == RTM_DELROUTE)
        result |= RESULT_ROUTE;
    if ((request->nlmsg_flags & NLM_F_ACK) == 0 && err != 0) {
        result |= RESULT_NO_ACK;
        request->nlmsg_flags |= NLM_F_ACK;
    }
    request->nlmsg_type = NLMSG_NOOP;
    request->nlmsg_pid = result;
}

/* Answers */

static uint16_t
result_type(uint32_t result)
{
    if (result & RESULT_ROUTE)
        return result & RESULT_NEW ? RTM_NEWROUTE : RTM_DELROUTE;
    return result & RESULT_NEW ? RTM_NEWLINK : RTM_DELLINK;
}

static void
result_restore(struct nlmsghdr *ack)
{
    struct nlmsgerr *body = mnl_nlmsg_get_payload(ack);
    uint32_t result;

    if (ack->nlmsg_len < NLMSG_HDRLEN + sizeof(*body) || body->error != 0 ||
        body->msg.nlmsg_type != NLMSG_NOOP)
        return;
    result = body->msg.nlmsg_pid;
    if ((result & RESULT_MAGIC_MASK) != RESULT_MAGIC)
        return;
    body->error = -(int)(result & RESULT_ERRNO);
    body->msg.nlmsg_type = result_type(result);
    body->msg.nlmsg_pid = ack->nlmsg_pid;
    if (result & RESULT_NO_ACK)
        body->msg.nlmsg_flags &= (uint16_t)~NLM_F_ACK;
}

/* The length of an IFLA_LINKINFO that holds only the kind. */
static size_t
linkinfo_len(const char *kind)
{
    return MNL_ATTR_HDRLEN + MNL_ALIGN(MNL_ATTR_HDRLEN + strlen(kind) + 1);
}

/* Rewrites the IFLA_LINKINFO of a TUN into that of our kind, which has no data, in place. */
static void
linkinfo_rewrite(struct nlattr *nest, const char *kind)
{
    struct nlattr *attr = nest + 1;
    size_t size = strlen(kind) + 1;

    attr->nla_type = IFLA_INFO_KIND;
    attr->nla_len = (uint16_t)(MNL_ATTR_HDRLEN + size);
    memset(attr + 1, 0, MNL_ALIGN(size));
    memcpy(attr + 1, kind, size);
    nest->nla_len = (uint16_t)linkinfo_len(kind);
}

/* Rewrites a message about one of our links in place. The kernel describes a TUN with more
 * attributes than a kind; a shorter description stays unchanged. */
static void
newlink_rewrite(struct nlmsghdr *nlh, const char *kind)
{
    struct nlattr *attr;
    uint8_t *end = mnl_nlmsg_get_payload_tail(nlh);
    size_t step, kept;

    attr_for_each (attr, nlh, sizeof(struct ifinfomsg)) {
        if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
            continue;
        step = MNL_ALIGN(attr->nla_len);
        kept = linkinfo_len(kind);
        if (step < kept || (uint8_t *)attr + step > end)
            return;
        linkinfo_rewrite(attr, kind);
        memmove((uint8_t *)attr + kept, (uint8_t *)attr + step,
                (size_t)(end - (uint8_t *)attr) - step);
        nlh->nlmsg_len -= (uint32_t)(step - kept);
        return;
    }
}

static void
message_rewrite(struct nlmsghdr *nlh, const char *(*kind_of)(uint32_t ifindex))
{
    const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
    const char *kind = NULL;

    if (nlh->nlmsg_type == NLMSG_ERROR)
        result_restore(nlh);
    else if (nlh->nlmsg_type == RTM_NEWLINK && nlh->nlmsg_len >= NLMSG_HDRLEN + sizeof(*ifi))
        kind = kind_of((uint32_t)ifi->ifi_index);
    if (kind != NULL)
        newlink_rewrite(nlh, kind);
}

size_t
link_answer(void *data, size_t len, const char *(*kind_of)(uint32_t ifindex))
{
    uint8_t *from = data, *to = data;
    size_t left = len;

    while (left >= NLMSG_HDRLEN) {
        struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)from;
        size_t step = NLMSG_ALIGN((size_t)nlh->nlmsg_len);

        if (nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > left)
            break; /* truncated: the rest stays unchanged */
        if (step > left)
            step = left;
        message_rewrite(nlh, kind_of);
        /* The new length, padded as the old one was. */
        len = NLMSG_ALIGN((size_t)nlh->nlmsg_len);
        if (len > step)
            len = step;
        memmove(to, from, len);
        to += len;
        from += step;
        left -= step;
    }
    memmove(to, from, left);
    return (size_t)(to - (uint8_t *)data) + left;
}
