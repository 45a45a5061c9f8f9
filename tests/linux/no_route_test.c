/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to IPv6 packets under --block-ipv6. If this failed, programs would wait for a timeout
 * before they try IPv4, or a host would answer answers.
 */
#include "linux/plane/no_route.h"

#include "core/bytes.h"
#include "core/csum.h"
#include "core/ip.h"
#include "harness.h"

static uint8_t out[NO_ROUTE_MAX];

/* An IPv6 packet from 2001::1 to 2001::2. */
static void
packet(uint8_t *pkt, size_t len, uint8_t next)
{
    memset(pkt, 0, len);
    pkt[0] = 0x60;
    dco_write16(pkt + DCO_IP6_PAYLOAD, (uint16_t)(len - DCO_IP6_HDR));
    pkt[DCO_IP6_NEXT] = next;
    pkt[DCO_IP6_HOPS] = 64;
    dco_write16(pkt + DCO_IP6_SRC, 0x2001);
    pkt[DCO_IP6_SRC + 15] = 1;
    dco_write16(pkt + DCO_IP6_DST, 0x2001);
    pkt[DCO_IP6_DST + 15] = 2;
}

TEST("the answer is a well-formed ICMPv6 message to the sender")
{
    uint8_t pkt[1500];
    static const size_t lengths[] = {40, 41, 60, 1231, 1232, 1233, 1500};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t len = lengths[i], n, total;

        packet(pkt, len, DCO_PROTO_UDP);
        n = no_route_answer(out, pkt, len);
        CHECK_EQ(n, len + 48 < NO_ROUTE_MAX ? len + 48 : NO_ROUTE_MAX);
        total = n - DCO_IP6_HDR;
        CHECK_EQ(dco_read16(out + DCO_IP6_PAYLOAD), total);
        CHECK_EQ(memcmp(out + DCO_IP6_DST, pkt + DCO_IP6_SRC, 16), 0);
        CHECK_EQ(dco_read16(out + 40), 0x0100); /* unreachable, no route */
        CHECK_EQ(dco_csum_add(dco_csum_pseudo(out + DCO_IP6_SRC, 32, 58, (uint32_t)total),
                              dco_csum(out + DCO_IP6_HDR, total)),
                 0xffff);
        CHECK_EQ(memcmp(out + 48, pkt, n - 48), 0);
    }
}

TEST("what must not be answered is not")
{
    uint8_t pkt[100];

    packet(pkt, sizeof(pkt), DCO_PROTO_UDP);
    CHECK_EQ(no_route_answer(out, pkt, DCO_IP6_HDR - 1), 0);
    pkt[DCO_IP6_DST] = 0xff; /* multicast */
    CHECK_EQ(no_route_answer(out, pkt, sizeof(pkt)), 0);
    packet(pkt, sizeof(pkt), DCO_PROTO_UDP);
    memset(pkt + DCO_IP6_SRC, 0, 16);
    CHECK_EQ(no_route_answer(out, pkt, sizeof(pkt)), 0);
    packet(pkt, sizeof(pkt), 58); /* an ICMPv6 error, then an echo request */
    pkt[DCO_IP6_HDR] = 1;
    CHECK_EQ(no_route_answer(out, pkt, sizeof(pkt)), 0);
    pkt[DCO_IP6_HDR] = 128;
    CHECK(no_route_answer(out, pkt, sizeof(pkt)) > 0);
    CHECK_EQ(no_route_answer(out, pkt, DCO_IP6_HDR), 0);
}
