/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts a super-packet (a TCP or UDP packet of up to 64 KiB that the stack did not segment) into
 * packets. The headers of a segment are written just before its payload, over bytes of the segment
 * before it. Nothing but headers is copied, and segments must be consumed in order.
 */
#ifndef DCO_SEGMENT_H
#define DCO_SEGMENT_H

#include "csum.h"
#include "inner.h"

/* The header that a TUN device with IFF_VNET_HDR puts before each packet, host byte order.
 * (Source: virtio 1.2, 5.1.6, legacy layout; Linux virtio_net.h.) */
struct dco_vnet {
    uint8_t flags;        /* DCO_VNET_NEEDS_CSUM: the checksum is not complete */
    uint8_t gso_type;     /* DCO_VNET_GSO_* */
    uint16_t hdr_len;     /* IP plus transport header; only a hint, may be wrong */
    uint16_t gso_size;    /* payload bytes of each segment */
    uint16_t csum_start;  /* offset of the transport header, where the checksum begins */
    uint16_t csum_offset; /* of the checksum field from csum_start */
};
_Static_assert(sizeof(struct dco_vnet) == 10, "as the kernel lays it out");

#define DCO_VNET_NEEDS_CSUM 1
#define DCO_VNET_GSO_NONE   0
#define DCO_VNET_GSO_TCPV4  1
#define DCO_VNET_GSO_TCPV6  4
#define DCO_VNET_GSO_UDP_L4 5
#define DCO_VNET_GSO_ECN    0x80

#define DCO_SEGMENT_HDR_MAX 160U /* IP and transport header of a packet we can cut */

struct dco_cut {
    uint8_t *pkt;     /* the caller's; must live until the last segment is consumed */
    uint32_t len;     /* whole super-packet */
    uint32_t n;       /* segments; 1: the packet as it is */
    uint16_t hdr_len; /* IP plus transport header */
    uint16_t seg_len; /* payload bytes per segment, the last may have less */
    uint16_t l4;      /* offset of the transport header */
    uint8_t version;  /* 4 or 6 */
    uint8_t protocol; /* TCP or UDP */
    uint8_t hdr[DCO_SEGMENT_HDR_MAX]; /* the headers of the super-packet */
    uint16_t ip_sum; /* partial sum of hdr's IPv4 header but length, id and checksum */
    uint16_t l4_sum; /* partial sum of pseudo and transport header but length, sequence
                        number, flags and checksum */
};

/* Checks vnet against the packet and prepares the cut. If the packet needs no cutting but its
 * checksum is unfinished (NEEDS_CSUM), completes it in place. Returns false for anything
 * inconsistent: lengths beyond the packet, a gso_size of 0, headers that do not match the type,
 * another transport than announced, more than 64 KiB. inner: the result of dco_inner_parse(). */
bool dco_segment_plan(struct dco_cut *cut, const struct dco_vnet *vnet, uint8_t *pkt, uint32_t len,
                      const struct dco_inner *inner, dco_csum_fn *csum);

/* Finishes segment i (0 <= i < n, each once, ascending) and returns its start; *len is its length.
 * Overwrites the tail of segment i - 1, which must have been consumed. Checksums, lengths, sequence
 * numbers, IPv4 ids and the FIN, PSH and CWR flags are those that the kernel's own segmentation
 * makes. */
uint8_t *dco_segment_next(struct dco_cut *cut, uint32_t i, uint32_t *len, dco_csum_fn *csum);

#endif
