/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 answers for openvpn's --block-ipv6: the host learns at once that no IPv6 leads through the
 * tunnel, and its programs use IPv4 without a timeout. Stock openvpn answers likewise.
 */
#ifndef DCO_PLANE_NO_ROUTE_H
#define DCO_PLANE_NO_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#define NO_ROUTE_MAX 1280U /* bytes; RFC 4443, 2.4 (c) */

/* Writes a "no route to destination" that answers the IPv6 packet pkt of len bytes to out, which
 * has NO_ROUTE_MAX bytes. Returns its length, or 0 where RFC 4443, 2.4 (e) forbids an answer. No
 * state; any thread. */
size_t no_route_answer(uint8_t *out, const uint8_t *pkt, size_t len);

#endif
