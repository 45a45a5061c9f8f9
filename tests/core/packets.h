/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inner packets for tests, and a second opinion on them: everything here is written the slow and
 * obvious way and shares no code with core/.
 */
#ifndef PACKETS_H
#define PACKETS_H

#include "harness.h"
#include "inner.h"
#include "segment.h"

#define PACKET_TCP_FIN 0x01
#define PACKET_TCP_SYN 0x02
#define PACKET_TCP_RST 0x04
#define PACKET_TCP_PSH 0x08
#define PACKET_TCP_ACK 0x10
#define PACKET_TCP_URG 0x20
#define PACKET_TCP_ECE 0x40
#define PACKET_TCP_CWR 0x80

struct packet {
    uint8_t version; /* 4 or 6 */
    uint8_t protocol;
    uint8_t host; /* last byte of the source address; the destination is 200 */
    uint8_t tos, ttl;
    bool df;
    uint16_t id;
    uint16_t sport, dport;
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window;
    uint8_t options_len; /* TCP, multiple of 4, at most 40 */
    uint8_t options[40];
    uint8_t ip_options_len; /* IPv4, multiple of 4, at most 40; all NOP */
    uint32_t payload_len;
};

/* A TCP (flags ACK) or UDP packet with everything set to something ordinary. */
struct packet packet_make(uint8_t version, uint8_t protocol, uint32_t payload_len);

/* Writes headers, a payload from rng, and right checksums. Returns the length. The length fields of
 * packets beyond 64 KiB are 0. */
uint32_t packet_write(const struct packet *p, uint8_t *out, struct rng *rng);

/* Computes the checksums of a packet with intact length fields anew. */
void packet_fix_checksums(uint8_t *pkt, uint32_t len);

/* Turns the checksum field into what a stack leaves to be finished by the device. */
void packet_leave_checksum(uint8_t *pkt, uint32_t len, struct dco_vnet *vnet);

/* Do all lengths and checksums of a plain TCP or UDP packet agree? */
bool packet_is_right(const uint8_t *pkt, uint32_t len);

/* Big-endian words, zero padded, folded, not inverted. */
uint16_t packet_sum(const uint8_t *data, size_t len);

/* Segment i of a super-packet with headers of hdr_len bytes, made from scratch. Returns its length.
 */
uint32_t packet_segment(const uint8_t *super, uint32_t len, uint32_t hdr_len, uint32_t gso_size,
                        uint32_t i, uint8_t *out);

/* Equal but for PSH, which joining may move to the last segment, and the checksum that covers it.
 */
bool packet_same_but_psh(const uint8_t *a, const uint8_t *b, uint32_t len);

/* Bytes of IP and transport header of a packet that packet_write() made. */
uint32_t packet_headers(const uint8_t *pkt);

#endif
