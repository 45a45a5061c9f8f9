/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP streams with verified content, cubic on both ends whatever the host's default is.
 *
 *   stream sink ADDRESS PORT FLOWS SECONDS WINDOW
 *   stream source DESTINATION PORT FLOWS SECONDS
 *
 * The source opens FLOWS connections and writes to each as fast as it may for SECONDS. The sink
 * accepts so many, compares every byte with what the source must have sent at that position, and
 * waits at most SECONDS for the next byte of any flow. With SOURCE in the environment flow i of the
 * source is bound to the i-th address from SOURCE on and goes to the i-th from DESTINATION on.
 *
 * The sink prints "ready", and at the end
 *   {"bytes": N, "seconds": S, "wrong": N, "out_of_order": N, "flows": N, "slowest": N,
 *    "all_bytes": N}
 * bytes are those of WINDOW seconds, which begin WARM_NS after the first byte: so that neither the
 * start counts nor flows that wait for a timeout after the source has ended; seconds is how much of
 * that window there was. out_of_order is what TCP counted; slowest: bytes of the slowest flow. The
 * source prints {"retransmits": N, "mss": N, "reordered": N}, the last of which are segments that
 * arrived late without having been lost.
 */
#include <fcntl.h>
#include <linux/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util.h"

#define CHUNK     (128U << 10)
#define EVENTS    64
#define WARM_NS   (SECOND / 4)
#define FLOWS_MAX 4096U

_Static_assert(CHUNK <= BLOCK_SLICE, "one slice serves one call");

struct flow {
    int fd;
    uint64_t position; /* of the next byte */
    uint64_t counted;  /* within the window */
};

struct stream {
    int epoll;
    uint32_t flows, open;
    struct flow flow[FLOWS_MAX];
    uint64_t first_ns, last_ns, window_ns, wrong, out_of_order;
};

static struct tcp_info
tcp_info(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    (void)getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
    return info;
}

static void
options(int fd)
{
    if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) < 0)
        die("cubic");
}

static void
watch(struct stream *s, uint32_t i, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.u32 = i};

    if (fcntl(s->flow[i].fd, F_SETFL, O_NONBLOCK) < 0 ||
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->flow[i].fd, &ev) < 0)
        die("epoll");
}

/* Sink */

static void
flow_end(struct stream *s, struct flow *f)
{
    s->out_of_order += tcp_info(f->fd).tcpi_rcv_ooopack;
    close(f->fd);
    f->fd = -1;
    s->open--;
}

static void
flow_read(struct stream *s, struct flow *f)
{
    static uint8_t buf[CHUNK];
    ssize_t n = read(f->fd, buf, sizeof(buf));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        s->wrong += n < 0;
        flow_end(s, f);
        return;
    }
    s->last_ns = now_ns();
    if (s->first_ns == 0)
        s->first_ns = s->last_ns;
    if (memcmp(buf, block() + f->position % BLOCK_PERIOD, (size_t)n) != 0)
        s->wrong++;
    f->position += (uint64_t)n;
    if (s->last_ns - s->first_ns > WARM_NS && s->last_ns - s->first_ns <= WARM_NS + s->window_ns)
        f->counted += (uint64_t)n;
}

static int
listen_on(struct sockaddr_in at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        die("socket");
    options(fd);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, FLOWS_MAX) < 0)
        die("listen");
    return fd;
}

static void
sink_accept(struct stream *s, int listener)
{
    int fd = accept(listener, NULL, NULL);

    if (fd < 0 || s->flows == FLOWS_MAX)
        die("accept");
    s->flow[s->flows].fd = fd;
    watch(s, s->flows, EPOLLIN);
    s->flows++;
    s->open++;
}

static void
sink_print(const struct stream *s, uint32_t wanted)
{
    uint64_t bytes = 0, all = 0, slowest = UINT64_MAX;

    for (uint32_t i = 0; i < s->flows; i++) {
        bytes += s->flow[i].counted;
        all += s->flow[i].position;
        if (s->flow[i].counted < slowest)
            slowest = s->flow[i].counted;
    }
    if (s->flows < wanted)
        slowest = 0;
    int64_t ns = (int64_t)(s->last_ns - s->first_ns - WARM_NS);
    double seconds = (double)(ns < (int64_t)s->window_ns ? ns : (int64_t)s->window_ns) / SECOND;
    printf("{\"bytes\": %llu, \"seconds\": %.4f, \"wrong\": %llu, \"out_of_order\": %llu, "
           "\"flows\": %u, \"slowest\": %llu, \"all_bytes\": %llu}\n",
           (unsigned long long)bytes, seconds, (unsigned long long)s->wrong,
           (unsigned long long)s->out_of_order, s->flows, (unsigned long long)slowest,
           (unsigned long long)all);
}

static int
sink(struct stream *s, struct sockaddr_in at, uint32_t wanted, double patience)
{
    struct epoll_event ev[EVENTS];
    int listener = listen_on(at);
    struct epoll_event in = {.events = EPOLLIN, .data.u32 = FLOWS_MAX};
    int n;

    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, listener, &in) < 0)
        die("epoll");
    (void)block();
    puts("ready");
    fflush(stdout);
    while (s->flows < wanted || s->open > 0) {
        n = epoll_wait(s->epoll, ev, EVENTS, (int)(patience * 1000));
        if (n <= 0)
            break;
        for (int i = 0; i < n; i++) {
            if (ev[i].data.u32 == FLOWS_MAX)
                sink_accept(s, listener);
            else
                flow_read(s, &s->flow[ev[i].data.u32]);
        }
    }
    for (uint32_t i = 0; i < s->flows; i++)
        if (s->flow[i].fd >= 0)
            flow_end(s, &s->flow[i]);
    sink_print(s, wanted);
    return s->wrong > 0 || s->flows < wanted;
}

/* Source */

static int
open_flow(struct sockaddr_in to, const char *source, uint32_t i)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die("socket");
    options(fd);
    if (source != NULL) {
        struct sockaddr_in from = address_next(address(source, "0"), i);

        if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
            die("bind");
        to = address_next(to, i);
    }
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("connect");
    return fd;
}

static void
flow_write(struct flow *f)
{
    ssize_t n = write(f->fd, block() + f->position % BLOCK_PERIOD, CHUNK);

    if (n < 0 && errno != EAGAIN && errno != EINTR)
        die("write");
    if (n > 0)
        f->position += (uint64_t)n;
}

static void
source_print(const struct stream *s)
{
    uint64_t retransmits = 0, reordered = 0;
    unsigned mss = 0;

    for (uint32_t i = 0; i < s->flows; i++) {
        struct tcp_info info = tcp_info(s->flow[i].fd);

        retransmits += info.tcpi_total_retrans;
        reordered += info.tcpi_reord_seen;
        mss = info.tcpi_snd_mss;
    }
    printf("{\"retransmits\": %llu, \"mss\": %u, \"reordered\": %llu}\n",
           (unsigned long long)retransmits, mss, (unsigned long long)reordered);
}

static int
source(struct stream *s, struct sockaddr_in to, uint32_t flows, double seconds)
{
    struct epoll_event ev[EVENTS];
    uint64_t end;

    for (s->flows = 0; s->flows < flows; s->flows++) {
        s->flow[s->flows].fd = open_flow(to, getenv("SOURCE"), s->flows);
        watch(s, s->flows, EPOLLOUT);
    }
    end = now_ns() + (uint64_t)(seconds * SECOND);
    while (now_ns() < end) {
        int n = epoll_wait(s->epoll, ev, EVENTS, 100);

        for (int i = 0; i < n; i++)
            flow_write(&s->flow[ev[i].data.u32]);
    }
    source_print(s);
    return 0;
}

int
main(int argc, char **argv)
{
    static struct stream s;
    struct rlimit files = {FLOWS_MAX + 64, FLOWS_MAX + 64};
    struct sockaddr_in at;
    uint32_t flows;
    double seconds;

    if (!(argc == 7 && strcmp(argv[1], "sink") == 0) &&
        !(argc == 6 && strcmp(argv[1], "source") == 0)) {
        fprintf(stderr, "usage: stream sink ADDRESS PORT FLOWS SECONDS WINDOW\n"
                        "       stream source DESTINATION PORT FLOWS SECONDS\n");
        return 2;
    }
    at = address(argv[2], argv[3]);
    flows = (uint32_t)number(argv[4], 1, FLOWS_MAX, "FLOWS");
    seconds = number(argv[5], 0.1, 3600, "SECONDS");
    s.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s.epoll < 0)
        die("epoll");
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 6)
        return source(&s, at, flows, seconds);
    s.window_ns = (uint64_t)(number(argv[6], 0.1, 3600, "WINDOW") * SECOND);
    return sink(&s, at, flows, seconds);
}
