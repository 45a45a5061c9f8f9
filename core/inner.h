/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading an inner packet. Input is hostile on receive (an authenticated peer wrote it) and merely
 * odd on transmit; nothing beyond len is ever read.
 */
#ifndef DCO_INNER_H
#define DCO_INNER_H

#include "addr.h"
#include "ip.h"

struct dco_inner {
    struct dco_ip src, dst;
    uint16_t l4;      /* offset of the transport header; 0 where there is none to look at: a
                         fragment, or IPv6 extension headers */
    uint16_t ip_len;  /* length of the IP header, options included */
    uint32_t total;   /* length of the IP packet by its header; <= len. Bytes beyond are padding */
    uint8_t version;  /* 4 or 6 */
    uint8_t protocol; /* at l4; for a fragment that of the IP header */
    bool fragment;    /* any fragment, the first included */
};

/* False unless the packet has a complete, consistent IPv4 or IPv6 header. The length fields may
 * promise less than len (padding) but not more; an IPv6 payload length of 0 and an IPv4 total
 * length of 0 (super-packets beyond 64 KiB) stand for len. */
bool dco_inner_parse(const uint8_t *pkt, size_t len, struct dco_inner *inner);

/* Where the transport header begins, in a first fragment as well, and what it is; 0 where this
 * packet holds none that could be looked at. pkt: what inner was made of. */
uint32_t dco_inner_transport(const uint8_t *pkt, const struct dco_inner *inner, uint8_t *protocol);

#endif
