/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the fields of IPv4, IPv6, TCP and UDP headers lie: offsets from the start of that header
 * and lengths, in bytes, and the bits within a field. The only file that knows them.
 * (Sources: RFC 791, 8200, 9293, 768.)
 */
#ifndef DCO_IP_H
#define DCO_IP_H

#define DCO_IP4_TOS           1U
#define DCO_IP4_TOTAL         2U
#define DCO_IP4_ID            4U
#define DCO_IP4_FRAG          6U      /* flags and offset */
#define DCO_IP4_DF            0x4000U /* of that: don't fragment */
#define DCO_IP4_FRAGMENT_MASK 0x3fffU /* of that: more fragments, or an offset */
#define DCO_IP4_OFFSET_MASK   0x1fffU /* of that: the offset, in units of 8 bytes */
#define DCO_IP4_PROTOCOL      9U
#define DCO_IP4_CHECKSUM      10U
#define DCO_IP4_SRC           12U
#define DCO_IP4_DST           16U
#define DCO_IP4_ADDRS_LEN     8U  /* both addresses, which lie side by side */
#define DCO_IP4_HDR_MIN       20U /* without options */

#define DCO_IP6_PAYLOAD   4U
#define DCO_IP6_NEXT      6U
#define DCO_IP6_HOPS      7U
#define DCO_IP6_SRC       8U
#define DCO_IP6_DST       24U
#define DCO_IP6_ADDRS_LEN 32U
#define DCO_IP6_HDR       40U

/* The fragment extension header. */
#define DCO_IP6_FRAG_OFFSET      2U
#define DCO_IP6_FRAG_OFFSET_MASK 0xfff8U
#define DCO_IP6_FRAG_HDR         8U

#define DCO_PORTS_LEN 4U /* source and destination port, first in TCP and in UDP */

#define DCO_TCP_SEQ      4U
#define DCO_TCP_ACK_ID   8U
#define DCO_TCP_OFFSET   12U /* header length in words, in the upper half; the flags follow */
#define DCO_TCP_FLAGS    13U
#define DCO_TCP_WINDOW   14U
#define DCO_TCP_CHECKSUM 16U
#define DCO_TCP_URGENT   18U
#define DCO_TCP_HDR_MIN  20U /* without options */
#define DCO_TCP_FIN      0x01U
#define DCO_TCP_SYN      0x02U
#define DCO_TCP_PSH      0x08U
#define DCO_TCP_ACK      0x10U
#define DCO_TCP_CWR      0x80U

#define DCO_TCPOPT_EOL     0U
#define DCO_TCPOPT_NOP     1U
#define DCO_TCPOPT_MSS     2U
#define DCO_TCPOPT_MSS_LEN 4U

#define DCO_UDP_LEN      4U
#define DCO_UDP_CHECKSUM 6U
#define DCO_UDP_HDR      8U

#define DCO_PROTO_TCP 6
#define DCO_PROTO_UDP 17

#endif
