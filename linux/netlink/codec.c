/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/codec.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <string.h>

#include "linux/netlink/attr.h"
#include "linux/netlink/netlink.h"
#include "linux/sys/endpoint.h"

#define TYPE_MASK 0x3fffU /* of nla_type, without NLA_F_NESTED and NLA_F_NET_BYTEORDER */

/* 0 for a type that is not an integer or has no fixed length. */
static size_t
integer_size(enum nl_type type)
{
    static const size_t size[] = {[NL_U8] = 1, [NL_U16] = 2, [NL_U32] = 4, [NL_U64] = 8};

    return (size_t)type < sizeof(size) / sizeof(size[0]) ? size[type] : 0;
}

static uint64_t
integer_get(const struct nlattr *attr, enum nl_type type)
{
    switch (type) {
    case NL_U8:
        return mnl_attr_get_u8(attr);
    case NL_U16:
        return mnl_attr_get_u16(attr);
    case NL_U32:
        return mnl_attr_get_u32(attr);
    default:
        return mnl_attr_get_u64(attr);
    }
}

static void
integer_fill(const struct nl_attr *a, uint64_t value, struct nlmsghdr *nlh)
{
    enum nl_type type = a->type;

    if (type == NL_UINT)
        type = value <= UINT32_MAX ? NL_U32 : NL_U64;
    if (type == NL_U8)
        mnl_attr_put_u8(nlh, a->number, (uint8_t)value);
    else if (type == NL_U16)
        mnl_attr_put_u16(nlh, a->number, (uint16_t)value);
    else if (type == NL_U32)
        mnl_attr_put_u32(nlh, a->number, (uint32_t)value);
    else
        mnl_attr_put_u64(nlh, a->number, value);
}

/* Validation */

/* The row for this number in a request; NULL if such a request may not hold it. */
static const struct nl_attr *
request_row(const struct nl_set *set, uint8_t command, unsigned number)
{
    for (unsigned i = 0; i < set->n; i++)
        if (set->attr[i].number == number && (set->attr[i].in & NL_COMMAND(command)) != 0)
            return &set->attr[i];
    return NULL;
}

static bool
in_range(const struct nl_attr *a, uint64_t value)
{
    return value >= a->min && (a->max == 0 || value <= a->max);
}

static int
value_validate(const struct nl_attr *a, uint8_t command, const struct nlattr *attr)
{
    const void *payload = mnl_attr_get_payload(attr);
    size_t len = mnl_attr_get_payload_len(attr);

    if (a->type == NL_BINARY)
        return in_range(a, len) ? 0 : -ERANGE;
    if (a->type == NL_NEST && len != 0 && len < sizeof(*attr))
        return -ERANGE;
    if (a->type == NL_NEST)
        return nl_validate(a->nest, command, payload, len);
    if (len != integer_size(a->type))
        return -EINVAL;
    return in_range(a, integer_get(attr, a->type)) ? 0 : -ERANGE;
}

static int
attr_validate(const struct nl_set *set, uint8_t command, const struct nlattr *attr)
{
    const struct nl_attr *a = request_row(set, command, attr->nla_type & TYPE_MASK);
    bool nested = (attr->nla_type & NLA_F_NESTED) != 0;

    if (a == NULL || nested != (a->type == NL_NEST))
        return -EINVAL;
    return value_validate(a, command, attr);
}

int
nl_validate(const struct nl_set *set, uint8_t command, const void *attrs, size_t len)
{
    const uint8_t *at = attrs;

    while (len >= sizeof(struct nlattr)) {
        const struct nlattr *attr = (const void *)at;
        size_t step = MNL_ALIGN(attr->nla_len);
        int err;

        if (attr->nla_len < sizeof(*attr) || attr->nla_len > len)
            return -EINVAL;
        err = attr_validate(set, command, attr);
        if (err != 0)
            return err;
        at += step;
        len = len > step ? len - step : 0;
    }
    return len != 0 ? -EINVAL : 0;
}

/* Reading */

const struct nlattr *
nl_attr_find(const void *attrs, size_t len, uint16_t number)
{
    const struct nlattr *attr = attrs, *found = NULL;
    int left = (int)len;

    for (; mnl_attr_ok(attr, left); attr = mnl_attr_next(attr)) {
        if (mnl_attr_get_type(attr) == number)
            found = attr;
        left -= (int)MNL_ALIGN(attr->nla_len);
    }
    return found;
}

static int
address_read(const uint8_t *addr, size_t len, struct dco_ip *ip)
{
    if (len != 4 && len != 16)
        return -EINVAL;
    *ip = len == 4 ? dco_ip4(addr) : dco_ip6(addr);
    return 0;
}

/* An address of another length or family leaves the endpoint empty. */
static void
sockaddr_read(const void *addr, size_t len, struct dco_endpoint *ep)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    memset(ep, 0, sizeof(*ep));
    if (len == sizeof(in)) {
        memcpy(&in, addr, sizeof(in));
        if (in.sin_family != AF_INET)
            return;
        ep->ip = dco_ip4((const uint8_t *)&in.sin_addr);
        ep->port = in.sin_port;
    } else if (len == sizeof(in6)) {
        memcpy(&in6, addr, sizeof(in6));
        if (in6.sin6_family != AF_INET6)
            return;
        ep->ip = dco_ip6(in6.sin6_addr.s6_addr);
        ep->port = in6.sin6_port;
        ep->scope_id = in6.sin6_scope_id;
    }
}

static int
field_read(const struct nl_attr *a, uint8_t command, const struct nlattr *attr, void *field)
{
    const void *payload = mnl_attr_get_payload(attr);
    size_t len = mnl_attr_get_payload_len(attr);

    switch (a->form) {
    case NL_NUMBER:
        *(struct nl_number *)field = nl_number(integer_get(attr, a->type));
        break;
    case NL_ADDRESS:
        return address_read(payload, len, field);
    case NL_SOCKADDR:
        sockaddr_read(payload, len, field);
        break;
    case NL_BYTES:
        *(struct nl_bytes *)field = (struct nl_bytes){payload, len};
        break;
    case NL_FIELDS:
        return nl_read(a->nest, command, attr, field);
    }
    return 0;
}

int
nl_read(const struct nl_set *set, uint8_t command, const struct nlattr *nest, void *fields)
{
    const struct nlattr *tb[NL_NUMBER_MAX + 1];

    netlink_parse_nest(nest, NL_NUMBER_MAX, tb);
    for (unsigned i = 0; i < set->n; i++) {
        const struct nl_attr *a = &set->attr[i];
        int err;

        if ((a->in & NL_COMMAND(command)) == 0 || tb[a->number] == NULL)
            continue;
        err = field_read(a, command, tb[a->number], (uint8_t *)fields + a->offset);
        if (err != 0)
            return err;
    }
    return 0;
}

/* Filling */

static void
sockaddr_fill(uint16_t number, const struct dco_endpoint *ep, struct nlmsghdr *nlh)
{
    struct sockaddr_storage ss;
    socklen_t len = endpoint_to_sockaddr(ep, ep->ip.family == 4 ? AF_INET : AF_INET6, &ss);

    if (len > 0)
        mnl_attr_put(nlh, number, len, &ss);
}

static void
nest_fill(const struct nl_attr *a, uint8_t command, const void *fields, struct nlmsghdr *nlh)
{
    struct nlattr *nest = mnl_attr_nest_start(nlh, a->number);

    nl_fill(a->nest, command, fields, nlh);
    mnl_attr_nest_end(nlh, nest);
}

static void
field_fill(const struct nl_attr *a, uint8_t command, const void *field, struct nlmsghdr *nlh)
{
    const struct nl_number *number = field;
    const struct dco_ip *ip = field;

    switch (a->form) {
    case NL_NUMBER:
        if (number->given)
            integer_fill(a, number->value, nlh);
        break;
    case NL_ADDRESS:
        if (ip->family != 0)
            mnl_attr_put(nlh, a->number, ip->family == 4 ? 4 : 16, ip->addr);
        break;
    case NL_SOCKADDR:
        sockaddr_fill(a->number, field, nlh);
        break;
    case NL_BYTES: /* no message that we send holds a key */
        break;
    case NL_FIELDS:
        nest_fill(a, command, field, nlh);
        break;
    }
}

void
nl_fill(const struct nl_set *set, uint8_t command, const void *fields, struct nlmsghdr *nlh)
{
    for (unsigned i = 0; i < set->n; i++) {
        const struct nl_attr *a = &set->attr[i];

        if ((a->out & NL_COMMAND(command)) != 0)
            field_fill(a, command, (const uint8_t *)fields + a->offset, nlh);
    }
}

uint16_t
nl_set_max(const struct nl_set *set)
{
    uint16_t max = 0;

    for (unsigned i = 0; i < set->n; i++)
        if (set->attr[i].number > max)
            max = set->attr[i].number;
    return max;
}
