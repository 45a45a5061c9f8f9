/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Round trips of small UDP datagrams with verified content.
 *
 *   rtt echo ADDRESS PORT SECONDS
 *   rtt ping DESTINATION PORT COUNT INTERVAL-US
 *
 * echo prints "ready" and answers until nothing came for SECONDS. ping sends one datagram of 64
 * bytes per interval, one at a time, waits for each at most 200 ms, and prints, in microseconds,
 *   {"p50": X, "p99": X, "max": X, "answered": N, "lost": N, "wrong": N}
 */
#include <poll.h>

#include "util.h"

#define BYTES     64U
#define WAIT_MS   200
#define COUNT_MAX 1000000U

static int
echo(struct sockaddr_in at, int patience_ms)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        die("bind");
    puts("ready");
    fflush(stdout);
    while (poll(&pfd, 1, patience_ms) > 0) {
        struct sockaddr_in from;
        socklen_t len = sizeof(from);
        uint8_t buf[2048];
        ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

        if (n > 0)
            (void)sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
    }
    return 0;
}

struct pings {
    int fd;
    uint32_t answered, lost, wrong;
    uint64_t ns[COUNT_MAX];
};

static void
ping_send(int fd, uint64_t seq)
{
    uint8_t buf[BYTES];
    struct datagram d = {.seq = seq, .check = datagram_check(seq, BYTES)};

    memcpy(buf, &d, sizeof(d));
    memcpy(buf + sizeof(d), datagram_slice(seq), BYTES - sizeof(d));
    (void)send(fd, buf, sizeof(buf), 0);
}

/* True when the answer to seq came; answers to earlier ones are skipped. */
static bool
ping_await(struct pings *p, uint64_t seq)
{
    struct pollfd pfd = {.fd = p->fd, .events = POLLIN};

    while (poll(&pfd, 1, WAIT_MS) > 0) {
        uint8_t buf[2048];
        ssize_t n = recv(p->fd, buf, sizeof(buf), 0);
        uint64_t got = 0;

        if (n < 0)
            return false;
        if (!datagram_right(buf, (uint32_t)n, &got))
            p->wrong++;
        else if (got == seq)
            return true;
    }
    return false;
}

static int
compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static double
part(const struct pings *p, double share)
{
    return p->answered == 0 ? 0 : (double)p->ns[(uint32_t)(share * (p->answered - 1))] / 1000;
}

static int
ping(struct sockaddr_in to, uint32_t count, uint32_t interval_us)
{
    static struct pings p;
    struct timespec pause = {.tv_nsec = (long)interval_us * 1000};

    p.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (p.fd < 0 || connect(p.fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("connect");
    for (uint64_t seq = 1; seq <= count; seq++) {
        uint64_t start = now_ns();

        ping_send(p.fd, seq);
        if (ping_await(&p, seq))
            p.ns[p.answered++] = now_ns() - start;
        else
            p.lost++;
        nanosleep(&pause, NULL);
    }
    qsort(p.ns, p.answered, sizeof(p.ns[0]), compare);
    printf("{\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f, \"answered\": %u, \"lost\": %u, "
           "\"wrong\": %u}\n",
           part(&p, 0.5), part(&p, 0.99), part(&p, 1), p.answered, p.lost, p.wrong);
    return p.wrong > 0;
}

int
main(int argc, char **argv)
{
    struct sockaddr_in at;

    if (argc == 5 && strcmp(argv[1], "echo") == 0) {
        at = address(argv[2], argv[3]);
        return echo(at, (int)(number(argv[4], 0.1, 3600, "SECONDS") * 1000));
    }
    if (argc == 6 && strcmp(argv[1], "ping") == 0) {
        at = address(argv[2], argv[3]);
        return ping(at, (uint32_t)number(argv[4], 1, COUNT_MAX, "COUNT"),
                    (uint32_t)number(argv[5], 0, 999999, "INTERVAL-US"));
    }
    fprintf(stderr, "usage: rtt echo ADDRESS PORT SECONDS | rtt ping ADDRESS PORT COUNT US\n");
    return 2;
}
