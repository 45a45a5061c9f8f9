/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills the messages that answer requests: peers and keys as the core describes them. Any thread.
 */
#ifndef DCO_NETLINK_REPLY_H
#define DCO_NETLINK_REPLY_H

#include "linux/netlink/request.h"

/* The longest reply. That of `ovpn` about a peer with every attribute has 244 bytes. Buffers for
 * replies are aligned to 4 and zeroed, because libmnl does not write padding. */
#define NL_REPLY_MAX 384U

/* Writes both headers into buf. request is NULL for a notification. */
struct nlmsghdr *nl_header_fill(const struct nl_family *family, void *buf,
                                const struct nlmsghdr *request, uint32_t portid, uint8_t command,
                                uint16_t flags);

/* Writes the description of a peer into buf; returns its length. */
size_t nl_peer_fill(const struct nl_call *c, void *buf, const struct dco_peer_info *info,
                    uint16_t flags);

/* Writes the description of the key in a slot, without key material; returns its length. */
size_t nl_key_fill(const struct nl_call *c, void *buf, uint32_t peer_id, enum dco_slot slot,
                   const struct dco_key_info *info);

#endif
