/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every netlink request has in common, whatever its family: the way to the socket that asked,
 * and acknowledgements as the kernel writes them. Pure functions over buffers; any thread.
 */
#ifndef DCO_NETLINK_NETLINK_H
#define DCO_NETLINK_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills tb[0..max] with the last attribute of each type in a valid nest (NULL: absent). */
void netlink_parse_nest(const struct nlattr *nest, unsigned max, const struct nlattr **tb);

/* Where replies go: one call per datagram. data is valid during the call only. */
struct netlink_sink {
    void (*emit)(void *arg, const void *data, size_t len);
    void *arg;
    uint32_t portid; /* of the socket that asked */
};

/* The largest datagram any family emits; readers offer at least 16 KiB. */
#define NETLINK_DATAGRAM_MAX 16384U

/* NLMSG_ERROR for request: always when err (a negative errno) is not 0, else only if the request
 * asks for it. As the kernel: success echoes the header only (36 bytes, NLM_F_CAPPED), an error the
 * whole request; echo false keeps a request that holds secrets from being copied around. */
void netlink_ack(const struct netlink_sink *sink, const struct nlmsghdr *request, int err,
                 bool echo);

/* NLMSG_DONE of a dump with its status. */
void netlink_done(const struct netlink_sink *sink, const struct nlmsghdr *request, int err);

/* The kernel's common gate before any handler: true if the request goes on to one; otherwise it has
 * been answered (requests without NLM_F_REQUEST and control types are acknowledged and ignored). */
bool netlink_is_request(const struct netlink_sink *sink, const struct nlmsghdr *request);

#endif
