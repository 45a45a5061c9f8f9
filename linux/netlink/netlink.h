/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of a netlink request that does not depend on its family: the way back to the socket that
 * asked, and acknowledgements in the kernel's form. Pure functions over buffers; any thread.
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

/* The largest datagram that a family emits. Readers offer at least 16 KiB. */
#define NETLINK_DATAGRAM_MAX 16384U

/* Emits NLMSG_ERROR for the request if err (a negative errno) is not 0 or the request asks for an
 * acknowledgement. As in the kernel, success echoes only the header (36 bytes, NLM_F_CAPPED), and
 * an error echoes the whole request. With echo false an error echoes only the header too, because
 * the request holds secrets. */
void netlink_ack(const struct netlink_sink *sink, const struct nlmsghdr *request, int err,
                 bool echo);

/* Emits NLMSG_DONE, with err as the status of the dump. */
void netlink_done(const struct netlink_sink *sink, const struct nlmsghdr *request, int err);

/* The kernel's check before any handler. True if the request is for a handler. False if it was
 * answered: requests without NLM_F_REQUEST and control types are acknowledged and ignored. */
bool netlink_is_request(const struct netlink_sink *sink, const struct nlmsghdr *request);

#endif
