/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the traffic programs share: time, addresses, arguments, and the payload that all of them
 * send and verify. Every byte of payload is a function of its position (of a stream) or of its
 * sequence number (of a datagram): a slice of one fixed block of random bytes. The receiver
 * compares each byte with the block, which costs no more than a checksum and misses nothing.
 */
#ifndef BENCH_UTIL_H
#define BENCH_UTIL_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* The period is a prime, so that no packet or buffer size divides it. The block is that long and
 * once more BLOCK_SLICE bytes from its beginning, so that a slice never wraps. Both fit into a
 * second-level cache. */
#define BLOCK_PERIOD 262139U
#define BLOCK_SLICE  131072U

#define SECOND 1000000000ULL

static inline void
die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static inline uint64_t
now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static inline double
number(const char *text, double low, double high, const char *what)
{
    char *end;
    double value = strtod(text, &end);

    if (*text == '\0' || *end != '\0' || value < low || value > high) {
        fprintf(stderr, "%s: \"%s\" is not a number from %g to %g\n", what, text, low, high);
        exit(2);
    }
    return value;
}

static inline struct sockaddr_in
address(const char *ip, const char *port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET};

    sin.sin_port = htons((uint16_t)number(port, 0, 65535, "port"));
    if (inet_pton(AF_INET, ip, &sin.sin_addr) != 1) {
        fprintf(stderr, "\"%s\" is not an IPv4 address\n", ip);
        exit(2);
    }
    return sin;
}

/* The address `by` further on: flow i of many has an address of its own. */
static inline struct sockaddr_in
address_next(struct sockaddr_in sin, uint32_t by)
{
    sin.sin_addr.s_addr = htonl(ntohl(sin.sin_addr.s_addr) + by);
    return sin;
}

static inline uint64_t
mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

static inline const uint8_t *
block(void)
{
    static uint8_t bytes[BLOCK_PERIOD + BLOCK_SLICE];

    if (bytes[0] == 0) {
        for (uint32_t i = 0; i < BLOCK_PERIOD; i++)
            bytes[i] = (uint8_t)(mix(i) >> 8);
        memcpy(bytes + BLOCK_PERIOD, bytes, BLOCK_SLICE);
        bytes[0] = bytes[BLOCK_PERIOD] = 0xd1;
    }
    return bytes;
}

/* A datagram: this header in host order, then block() from its slice(). */
struct datagram {
    uint64_t seq;
    uint64_t check; /* datagram_check(seq, len) */
};

#define DATAGRAM_MIN (sizeof(struct datagram))

static inline uint64_t
datagram_check(uint64_t seq, uint32_t len)
{
    return mix(seq ^ ((uint64_t)len << 48));
}

static inline const uint8_t *
datagram_slice(uint64_t seq)
{
    return block() + mix(seq) % BLOCK_PERIOD;
}

static inline bool
datagram_right(const uint8_t *buf, uint32_t len, uint64_t *seq)
{
    struct datagram d;

    if (len < DATAGRAM_MIN)
        return false;
    memcpy(&d, buf, sizeof(d));
    *seq = d.seq;
    return d.check == datagram_check(d.seq, len) &&
           memcmp(buf + sizeof(d), datagram_slice(d.seq), len - sizeof(d)) == 0;
}

#endif
