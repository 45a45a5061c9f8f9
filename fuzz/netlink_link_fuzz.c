/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: a byte that says what to do, then a route-netlink datagram. Requests are parsed and
 * rewritten, answers are rewritten; neither may ever grow or leave its memory, and what was well
 * formed stays so.
 */
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "linux/netlink/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool held)
{
    if (!held)
        abort();
}

static const char *
kind_of(uint32_t ifindex)
{
    static const char *const kinds[] = {"ovpn-dco", NULL, "ovpn", NULL};

    return kinds[ifindex % 4];
}

/* By hand: libmnl takes lengths of 2^31 and more for negative ones. */
static unsigned
messages(const uint8_t *data, size_t len)
{
    unsigned n = 0;

    while (len >= NLMSG_HDRLEN) {
        uint32_t one = ((const struct nlmsghdr *)(const void *)data)->nlmsg_len;
        size_t step = NLMSG_ALIGN((size_t)one);

        if (one < NLMSG_HDRLEN || one > len)
            break;
        n++;
        data += step;
        len -= step < len ? step : len;
    }
    return n;
}

static void
answer(uint8_t *data, size_t len)
{
    unsigned before = messages(data, len);
    size_t now = link_answer(data, len, kind_of);

    must(now <= len);
    must(messages(data, now) >= before);
}

static void
change_check(const struct nlmsghdr *nlh, const struct link_request *link)
{
    const struct nlattr *attr;

    must(link->name[IFNAMSIZ - 1] == '\0');
    mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
    {
        must(mnl_attr_get_type(attr) != IFLA_IFNAME && mnl_attr_get_type(attr) != IFLA_LINKINFO);
    }
}

static void
ask(uint8_t *data, size_t len, bool works)
{
    struct nlmsghdr *nlh = (void *)data;
    struct link_request link;

    if (len < NLMSG_HDRLEN || nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > len)
        return;
    link_parse(nlh, &link);
    (void)link_name_ok(link.name);
    if (link.what == LINK_NEW && works) {
        link_becomes_change(nlh, 7);
        must(nlh->nlmsg_len <= len);
        change_check(nlh, &link);
    } else if (link.what == LINK_NEW || link.what == LINK_DELETE) {
        link_becomes_result(nlh, -17);
        must(nlh->nlmsg_type == NLMSG_NOOP && (nlh->nlmsg_flags & NLM_F_ACK));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;
    size_t len;

    if (size == 0)
        return 0;
    len = size - 1;
    /* Memory ends at the next multiple of 4, as the callers promise. */
    copy = calloc(1, NLMSG_ALIGN(len) + (len == 0));
    must(copy != NULL);
    memcpy(copy, data + 1, len);
    if (data[0] % 3 == 0)
        answer(copy, len);
    else
        ask(copy, len, data[0] % 3 == 1);
    free(copy);
    return 0;
}
