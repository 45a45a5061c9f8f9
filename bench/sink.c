/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receives what blast sends and verifies each datagram: content, length, and order of the sequence
 * numbers.
 *
 *   sink ADDRESS PORT SECONDS plain|gro
 *
 * Prints "ready", then waits at most SECONDS for the first datagram, receives until none came for
 * half a second, and prints
 *   {"received": N, "bytes": N, "seconds": S, "wrong": N, "late": N}
 * seconds is from the first to the last datagram; wrong ones are not in "received"; late: came
 * after a higher sequence number. Exit status 1 if any was wrong.
 */
#include <netinet/udp.h>
#include <poll.h>

#include "util.h"

#define BATCH     64U
#define BUF_BYTES 65536U
#define QUIET_MS  500

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

struct message {
    struct iovec iov;
    union {
        char buf[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
};

struct tally {
    uint64_t received, bytes, wrong, late;
    uint64_t highest;
    uint64_t first_ns, last_ns;
};

static int
sink_socket(struct sockaddr_in at, bool gro)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int size = 8 << 20, on = 1;

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        die("bind");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (gro && setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on)) < 0)
        die("UDP_GRO");
    return fd;
}

static void
count(struct tally *t, const uint8_t *buf, uint32_t len)
{
    uint64_t seq;

    if (!datagram_right(buf, len, &seq)) {
        t->wrong++;
        return;
    }
    t->late += t->received > 0 && seq < t->highest;
    if (seq > t->highest)
        t->highest = seq;
    t->received++;
    t->bytes += len;
}

/* A message: one datagram, or a train of equally long ones. */
static void
take(struct tally *t, struct mmsghdr *m)
{
    const uint8_t *buf = m->msg_hdr.msg_iov->iov_base;
    uint32_t seg = m->msg_len;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m->msg_hdr);

    if (c != NULL && c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
        int got;

        memcpy(&got, CMSG_DATA(c), sizeof(got));
        if (got > 0)
            seg = (uint32_t)got;
    }
    for (uint32_t at = 0; at < m->msg_len; at += seg)
        count(t, buf + at, m->msg_len - at < seg ? m->msg_len - at : seg);
}

static void
receive(int fd, struct tally *t, int first_ms)
{
    static struct message slot[BATCH];
    struct mmsghdr msg[BATCH];
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    for (uint32_t i = 0; i < BATCH; i++)
        slot[i].iov = (struct iovec){malloc(BUF_BYTES), BUF_BYTES};
    while (poll(&pfd, 1, t->received + t->wrong == 0 ? first_ms : QUIET_MS) > 0) {
        int n;

        memset(msg, 0, sizeof(msg));
        for (uint32_t i = 0; i < BATCH; i++)
            msg[i].msg_hdr = (struct msghdr){.msg_iov = &slot[i].iov,
                                             .msg_iovlen = 1,
                                             .msg_control = slot[i].control.buf,
                                             .msg_controllen = sizeof(slot[i].control.buf)};
        n = recvmmsg(fd, msg, BATCH, MSG_DONTWAIT, NULL);
        if (n > 0)
            t->last_ns = now_ns();
        if (t->first_ns == 0)
            t->first_ns = t->last_ns;
        for (int i = 0; i < n; i++)
            take(t, &msg[i]);
    }
}

int
main(int argc, char **argv)
{
    struct tally t = {0};
    int fd;

    if (argc != 5 || (strcmp(argv[4], "plain") != 0 && strcmp(argv[4], "gro") != 0)) {
        fprintf(stderr, "usage: sink ADDRESS PORT SECONDS plain|gro\n");
        return 2;
    }
    fd = sink_socket(address(argv[1], argv[2]), argv[4][0] == 'g');
    (void)block();
    puts("ready");
    fflush(stdout);
    receive(fd, &t, (int)(number(argv[3], 0.1, 3600, "SECONDS") * 1000));
    printf("{\"received\": %llu, \"bytes\": %llu, \"seconds\": %.4f, \"wrong\": %llu, "
           "\"late\": %llu}\n",
           (unsigned long long)t.received, (unsigned long long)t.bytes,
           (double)(t.last_ns - t.first_ns) / SECOND, (unsigned long long)t.wrong,
           (unsigned long long)t.late);
    return t.wrong > 0;
}
