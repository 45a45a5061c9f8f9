/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Validates, reads and fills attributes by the tables of a family. Pure functions over buffers; any
 * thread. `command` is the number of the command to which the message belongs, below 32.
 */
#ifndef DCO_NETLINK_CODEC_H
#define DCO_NETLINK_CODEC_H

#include <linux/netlink.h>

#include "linux/netlink/schema.h"

/*
 * Validates attributes, nests included. Rules and errors are those of the kernel for a family
 * without legacy leniency (lib/nlattr.c, NL_VALIDATE_STRICT): unknown types, trailing bytes,
 * integers of another size and a missing or unexpected NLA_F_NESTED are -EINVAL; values, and binary
 * lengths, out of range are -ERANGE. attrs is aligned to 4.
 */
int nl_validate(const struct nl_set *set, uint8_t command, const void *attrs, size_t len);

/* The last attribute with this number, or NULL. If the attributes were not validated, the search
 * ends at the first malformed one. */
const struct nlattr *nl_attr_find(const void *attrs, size_t len, uint16_t number);

/* Reads a valid nest into fields, which is the struct of the set. If a number occurs more than
 * once, the last attribute counts. 0, or -EINVAL for an address whose length is that of neither
 * family. */
int nl_read(const struct nl_set *set, uint8_t command, const struct nlattr *nest, void *fields);

/* Appends the attributes that such a message holds and that fields gives. The buffer has room for
 * them and is zeroed, because padding is not written. */
void nl_fill(const struct nl_set *set, uint8_t command, const void *fields, struct nlmsghdr *nlh);

/* The largest number in a set. */
uint16_t nl_set_max(const struct nl_set *set);

#endif
