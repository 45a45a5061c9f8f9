/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the tests and the fuzzer of the netlink families: two devices over the real core, one
 * of each mode, and all emitted datagrams.
 */
#ifndef NL_WORLD_H
#define NL_WORLD_H

#include "linux/netlink/dco_v2.h"
#include "linux/netlink/notification.h"
#include "linux/netlink/request.h"
#include "platform.h"

#define WORLD_MP      29U /* interface indices */
#define WORLD_P2P     30U
#define WORLD_FOREIGN 1U
#define WORLD_PORTID  0xd0804d3dU
#define WORLD_FD_LOW  3U /* these are sockets */
#define WORLD_FD_HIGH 16U

struct world {
    struct platform platform;
    struct dco_peers *mp, *p2p;
    struct nl_ops ops;
    struct netlink_sink sink;
    uint64_t now;
    uint8_t *out; /* all datagrams in a row */
    size_t out_len, out_size;
    size_t *ends; /* of each datagram */
    unsigned datagrams, ends_size;
};

#define WORLD_MESSAGE 1024U
#define WORLD_SEQ     77U

/* One at a time. */
void world_init(struct world *w);
/* Carries out a request and acknowledges it. */
void world_request(struct world *w, const struct nl_family *family, const struct nlmsghdr *nlh);
void world_forget(struct world *w);
void world_fini(struct world *w);

/* Hex digits, blanks between them ignored. The length. */
size_t world_bytes(const char *hex, uint8_t *to);

/* The beginning of a request in message (WORLD_MESSAGE bytes); ifindex 0: none. */
struct nlmsghdr *world_start(void *message, const struct nl_family *family, uint8_t command,
                             uint16_t flags, uint32_t ifindex);

/* The datagram with this number. */
const void *world_datagram(const struct world *w, unsigned i, size_t *len);

#endif
