/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loops over netlink attributes, like libmnl's but without a silent conversion from ptrdiff_t to
 * int; a message is far shorter than INT_MAX. A loop ends at the first attribute that does not fit.
 * So the caller validates the message first, or treats the rest as absent.
 */
#ifndef DCO_NETLINK_ATTR_H
#define DCO_NETLINK_ATTR_H

#include <libmnl/libmnl.h>

static inline bool
attr_fits(const struct nlattr *attr, const void *end)
{
    return mnl_attr_ok(attr, (int)((const char *)end - (const char *)attr));
}

/* attr: a const struct nlattr *; offset: the length of the family's header before the attributes.
 */
#define attr_for_each(attr, nlh, offset)                                                           \
    for ((attr) = mnl_nlmsg_get_payload_offset(nlh, offset);                                       \
         attr_fits(attr, mnl_nlmsg_get_payload_tail(nlh)); (attr) = mnl_attr_next(attr))

#define attr_for_each_nested(attr, nest)                                                           \
    for ((attr) = mnl_attr_get_payload(nest); attr_fits(                                           \
             attr, (const char *)mnl_attr_get_payload(nest) + mnl_attr_get_payload_len(nest));     \
         (attr) = mnl_attr_next(attr))

#endif
