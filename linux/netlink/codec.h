/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Validates, reads and fills attributes as the tables of a family say. Pure functions over buffers;
 * any thread. `command` is the number of the command whose request or message it is, below
 * 32.
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

/* The last attribute with this number, or NULL: of valid attributes, or of as many as are well
 * formed. */
const struct nlattr *nl_attr_find(const void *attrs, size_t len, uint16_t number);

/* Reads a valid nest into fields, the struct of the set. The last attribute of each number counts.
 * 0, or -EINVAL for an address that has the length of neither family. */
int nl_read(const struct nl_set *set, uint8_t command, const struct nlattr *nest, void *fields);

/* Appends what fields give of the attributes that such a message holds. There is room for them, and
 * it is zeroed: padding stays as it is. */
void nl_fill(const struct nl_set *set, uint8_t command, const void *fields, struct nlmsghdr *nlh);

/* The largest number in a set. */
uint16_t nl_set_max(const struct nl_set *set);

#endif
