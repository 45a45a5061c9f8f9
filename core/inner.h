/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parsing of inner packets. A received packet may be hostile, even though its sender is
 * authenticated. Nothing beyond len is ever read.
 */
#ifndef DCO_INNER_H
#define DCO_INNER_H

#include "addr.h"
#include "ip.h"

struct dco_inner {
    struct dco_ip src, dst;
    uint16_t l4; /* offset of the transport header; 0 if it cannot be read: in a fragment, or behind
                    IPv6 extension headers */
    uint16_t ip_len;  /* length of the IP header, options included */
    uint32_t total;   /* length of the IP packet from its header, <= len; the rest is padding */
    uint8_t version;  /* 4 or 6 */
    uint8_t protocol; /* of the header at l4; for a fragment, from the IP header */
    bool fragment;    /* any fragment, the first included */
};

/* False unless the packet has a complete, consistent IPv4 or IPv6 header. The length fields may say
 * less than len (padding) but not more. An IPv6 payload length of 0 and an IPv4 total length of 0
 * (super-packets beyond 64 KiB) mean len. */
bool dco_inner_parse(const uint8_t *pkt, size_t len, struct dco_inner *inner);

/* True for the multicast addresses 224.0.0.0/4 and ff00::/8. openvpn sends their packets to all
 * clients. A broadcast address is an ordinary address for it, because tun devices carry none. */
static inline bool
dco_inner_is_multicast(const struct dco_ip *dst)
{
    return dst->family == 4 ? dst->addr[0] >> 4 == 0xe : dst->addr[0] == 0xff;
}

/* Returns the offset of the transport header and sets *protocol, in a first fragment as well.
 * Returns 0 if the packet has no transport header that can be read. inner: the result for pkt. */
uint32_t dco_inner_transport(const uint8_t *pkt, const struct dco_inner *inner, uint8_t *protocol);

#endif
