/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/no_route.h"

#include <stdbool.h>
#include <string.h>

#include "core/bytes.h"
#include "core/csum.h"
#include "core/ip.h"

/* RFC 4443. */
#define ICMP6              58U
#define ICMP6_HDR          8U
#define ICMP6_CHECKSUM     2U
#define ICMP6_INFORMATIVE  128U /* types below are errors */
#define ICMP6_UNREACHABLE  1U   /* with code 0: no route to destination */
#define ICMP6_DEFAULT_HOPS 64U

/* Not ours: nobody knows the address of the other end. openvpn uses this one, too. */
static const uint8_t router[16] = {0xfe, 0x80, [15] = 7};

static bool
may_answer(const uint8_t *pkt, size_t len)
{
    static const uint8_t unspecified[16];

    if (len < DCO_IP6_HDR || pkt[DCO_IP6_SRC] == 0xff || pkt[DCO_IP6_DST] == 0xff ||
        memcmp(pkt + DCO_IP6_SRC, unspecified, sizeof(unspecified)) == 0)
        return false;
    return pkt[DCO_IP6_NEXT] != ICMP6 ||
           (len > DCO_IP6_HDR && pkt[DCO_IP6_HDR] >= ICMP6_INFORMATIVE);
}

size_t
no_route_answer(uint8_t *out, const uint8_t *pkt, size_t len)
{
    uint8_t *icmp = out + DCO_IP6_HDR;
    size_t quoted = NO_ROUTE_MAX - DCO_IP6_HDR - ICMP6_HDR, total;
    uint16_t sum;

    if (!may_answer(pkt, len))
        return 0;
    if (quoted > len)
        quoted = len;
    total = ICMP6_HDR + quoted;
    memset(out, 0, DCO_IP6_HDR + ICMP6_HDR);
    out[0] = 0x60;
    dco_write16(out + DCO_IP6_PAYLOAD, (uint16_t)total);
    out[DCO_IP6_NEXT] = ICMP6;
    out[DCO_IP6_HOPS] = ICMP6_DEFAULT_HOPS;
    memcpy(out + DCO_IP6_SRC, router, sizeof(router));
    memcpy(out + DCO_IP6_DST, pkt + DCO_IP6_SRC, sizeof(router));
    icmp[0] = ICMP6_UNREACHABLE;
    memcpy(icmp + ICMP6_HDR, pkt, quoted);
    sum =
        dco_csum_add(dco_csum_pseudo(out + DCO_IP6_SRC, DCO_IP6_ADDRS_LEN, ICMP6, (uint32_t)total),
                     dco_csum(icmp, total));
    dco_write16(icmp + ICMP6_CHECKSUM, (uint16_t)~sum);
    return DCO_IP6_HDR + total;
}
