/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the netlink families share: strict validation of attributes by a table, and the kernel's
 * acknowledgement. Pure functions over buffers; any thread.
 *
 * Rules and errors are those of the kernel for a family without legacy leniency (lib/nlattr.c,
 * NL_VALIDATE_STRICT): unknown types, trailing bytes, integers of another size and a missing or
 * unexpected NLA_F_NESTED are -EINVAL; values, and binary lengths, out of range are -ERANGE.
 */
#ifndef DCO_NETLINK_NETLINK_H
#define DCO_NETLINK_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum netlink_type {
    NETLINK_REJECT, /* zero: a type nobody may send */
    NETLINK_U8,
    NETLINK_U16,
    NETLINK_U32,
    NETLINK_BINARY,
    NETLINK_NEST,
};

struct netlink_policy {
    enum netlink_type type;
    uint32_t min, max; /* integers: of the value, binary: of the length; max 0: no limit */
    const struct netlink_policy *nest; /* nest_max + 1 entries */
    unsigned nest_max;
};

/* Fills tb[0..max] with the last attribute of each type (NULL: absent) after validating all of
 * them, nests included. attrs must be aligned to 4. 0, -EINVAL or -ERANGE. */
int netlink_parse(const void *attrs, size_t len, const struct netlink_policy *policy, unsigned max,
                  const struct nlattr **tb);

/* The same for the contents of a nest that netlink_parse() has validated. */
void netlink_parse_nest(const struct nlattr *nest, unsigned max, const struct nlattr **tb);

/* Where replies go: one call per datagram. data is valid during the call only. */
struct netlink_sink {
    void (*emit)(void *arg, const void *data, size_t len);
    void *arg;
    uint32_t portid; /* of the socket that asked */
};

/* The largest datagram any family emits; readers offer at least 16 KiB. */
#define NETLINK_DATAGRAM_MAX 16384U

/* NLMSG_ERROR for request: always when error (a negative errno) is not 0, else only if the request
 * asks for it. As the kernel: success echoes the header only (36 bytes, NLM_F_CAPPED), an error the
 * whole request; echo false keeps a request that holds secrets from being copied around. */
void netlink_ack(const struct netlink_sink *sink, const struct nlmsghdr *request, int error,
                 bool echo);

/* NLMSG_DONE of a dump with its status. */
void netlink_done(const struct netlink_sink *sink, const struct nlmsghdr *request, int error);

/* The kernel's common gate before any handler: true if the request goes on to one; otherwise it has
 * been answered (requests without NLM_F_REQUEST and control types are acknowledged and ignored). */
bool netlink_is_request(const struct netlink_sink *sink, const struct nlmsghdr *request);

#endif
