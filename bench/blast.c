/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends UDP datagrams as fast as it can, or at a rate, each with its sequence number and verifiable
 * content (util.h).
 *
 *   blast DESTINATION PORT BYTES SECONDS one|gso [PACKETS-PER-SECOND [FLOWS]]
 *
 * one: 64 datagrams per sendmmsg(), each a message of its own. gso: UDP_SEGMENT, as many as fit
 * into one send. With FLOWS more than 1 the datagrams of each send go to the next of so many
 * consecutive destination addresses, from as many sockets bound to consecutive source addresses
 * (SOURCE in the environment is the first).
 * Prints {"sent": N, "bytes": N, "seconds": S, "blocked": N}.
 */
#include <netinet/udp.h>

#include "util.h"

#define BATCH        64U
#define PAYLOAD_MAX  65507U
#define SEGMENTS_MAX 64U
#define FLOWS_MAX    4096U

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

struct blast {
    int fd[FLOWS_MAX];
    uint32_t flows;
    uint32_t bytes; /* of one datagram */
    uint32_t batch; /* datagrams of one send */
    bool gso;
    uint64_t seq;
    uint64_t blocked; /* sends that the kernel refused for lack of buffers */
    struct datagram hdr[BATCH];
    struct iovec iov[BATCH][2];
};

static int
flow_socket(struct sockaddr_in to, const char *source, uint32_t i, uint16_t segment)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int size = 4 << 20, seg = segment;

    if (fd < 0)
        die("socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (source != NULL) {
        struct sockaddr_in from = address_next(address(source, "0"), i);

        if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
            die("bind");
    }
    to = address_next(to, source != NULL ? i : 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("connect");
    if (segment != 0 && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &seg, sizeof(seg)) < 0)
        die("UDP_SEGMENT");
    return fd;
}

static void
prepare(struct blast *b)
{
    for (uint32_t i = 0; i < b->batch; i++) {
        uint64_t seq = b->seq + i;

        b->hdr[i] = (struct datagram){.seq = seq, .check = datagram_check(seq, b->bytes)};
        b->iov[i][0] = (struct iovec){&b->hdr[i], sizeof(b->hdr[i])};
        b->iov[i][1] =
            (struct iovec){(void *)(uintptr_t)datagram_slice(seq), b->bytes - sizeof(b->hdr[i])};
    }
}

/* The number of datagrams that the kernel took. */
static uint32_t
send_gso(struct blast *b, int fd)
{
    struct msghdr msg = {.msg_iov = b->iov[0], .msg_iovlen = b->batch * 2UL};

    return sendmsg(fd, &msg, 0) < 0 ? 0 : b->batch;
}

static uint32_t
send_one_by_one(struct blast *b, int fd)
{
    struct mmsghdr msg[BATCH];
    int sent;

    memset(msg, 0, sizeof(msg));
    for (uint32_t i = 0; i < b->batch; i++)
        msg[i].msg_hdr = (struct msghdr){.msg_iov = b->iov[i], .msg_iovlen = 2};
    sent = sendmmsg(fd, msg, b->batch, 0);
    return sent < 0 ? 0 : (uint32_t)sent;
}

static void
wait_until(uint64_t when)
{
    struct timespec ts = {.tv_sec = (time_t)(when / SECOND), .tv_nsec = (long)(when % SECOND)};

    if (now_ns() < when)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* rate: datagrams per second, 0 for no limit. */
static double
run(struct blast *b, double seconds, double rate)
{
    uint64_t start = now_ns(), end = start + (uint64_t)(seconds * SECOND), now = start;

    for (uint32_t flow = 0; now < end; flow = (flow + 1) % b->flows) {
        uint32_t sent;

        prepare(b);
        sent = b->gso ? send_gso(b, b->fd[flow]) : send_one_by_one(b, b->fd[flow]);
        if (sent == 0 && errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED)
            die("send");
        b->blocked += sent == 0;
        b->seq += sent;
        if (rate > 0)
            wait_until(start + (uint64_t)((double)b->seq / rate * SECOND));
        now = now_ns();
    }
    return (double)(now - start) / SECOND;
}

int
main(int argc, char **argv)
{
    static struct blast b;
    double seconds, rate, taken;
    struct sockaddr_in to;

    if (argc < 6 || argc > 8 || (strcmp(argv[5], "one") != 0 && strcmp(argv[5], "gso") != 0)) {
        fprintf(stderr, "usage: blast DESTINATION PORT BYTES SECONDS one|gso [PPS [FLOWS]]\n");
        return 2;
    }
    to = address(argv[1], argv[2]);
    b.bytes = (uint32_t)number(argv[3], DATAGRAM_MIN, PAYLOAD_MAX, "BYTES");
    seconds = number(argv[4], 0.01, 3600, "SECONDS");
    b.gso = argv[5][0] == 'g';
    rate = argc > 6 ? number(argv[6], 0, 1e9, "PPS") : 0;
    b.flows = argc > 7 ? (uint32_t)number(argv[7], 1, FLOWS_MAX, "FLOWS") : 1;
    b.batch = BATCH;
    if (b.gso && PAYLOAD_MAX / b.bytes < SEGMENTS_MAX)
        b.batch = PAYLOAD_MAX / b.bytes;
    for (uint32_t i = 0; i < b.flows; i++)
        b.fd[i] = flow_socket(to, getenv("SOURCE"), i, b.gso ? (uint16_t)b.bytes : 0);
    taken = run(&b, seconds, rate);
    printf("{\"sent\": %llu, \"bytes\": %llu, \"seconds\": %.4f, \"blocked\": %llu}\n",
           (unsigned long long)b.seq, (unsigned long long)b.seq * b.bytes, taken,
           (unsigned long long)b.blocked);
    return 0;
}
