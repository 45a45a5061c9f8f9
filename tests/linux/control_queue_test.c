/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of control packets over a real socket pair: it is bounded, strangers cannot displace
 * peers, no source gets all of it, and reading makes room again. If this failed, a flood of forged
 * handshakes would stop renegotiations or fill the kernel's memory.
 */
#include "linux/plane/control_queue.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "linux/sys/endpoint.h"

#define PACKET 1200U
#define FORKS  100U

struct pair {
    struct control_queue *q;
    int reader;
    unsigned stop; /* atomic */
};

static struct pair
pair_make(void)
{
    struct pair p;
    int fd[2] = {-1, -1};

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
    p.q = control_queue_new(fd[0]);
    p.reader = fd[1];
    p.stop = 0;
    CHECK(p.q != NULL);
    return p;
}

static void
pair_free(struct pair *p)
{
    control_queue_free(p->q);
    close(p->reader);
}

static struct plane_control_hdr
header(uint32_t host, uint16_t port)
{
    struct plane_control_hdr hdr;

    memset(&hdr, 0, sizeof(hdr));
    hdr.source.in.sin_family = AF_INET;
    hdr.source.in.sin_addr.s_addr = htonl(0x0a000000 + host);
    hdr.source.in.sin_port = htons(port);
    hdr.source_len = sizeof(hdr.source.in);
    return hdr;
}

static bool
push(struct pair *p, uint32_t host, bool known)
{
    static const uint8_t packet[PACKET];
    struct plane_control_hdr hdr = header(host, 1194);

    return control_queue_push(p->q, &hdr, packet, sizeof(packet), known);
}

/* How many fit until many in a row were refused; host + i * step. A source that shares its bucket
 * with a busy one is refused earlier than the others. */
static unsigned
fill(struct pair *p, uint32_t host, uint32_t step, bool known)
{
    unsigned n = 0, refused = 0;

    for (uint32_t i = 0; i < 100000 && refused < 1000; i++) {
        bool pushed = push(p, host + i * step, known);

        n += pushed;
        refused = pushed ? 0 : refused + 1;
    }
    return n;
}

static unsigned
drain(struct pair *p, unsigned max)
{
    uint8_t buf[4096];
    unsigned n = 0;

    while (n < max && recv(p->reader, buf, sizeof(buf), MSG_DONTWAIT) > 0)
        n++;
    return n;
}

TEST("a packet with its header")
{
    struct pair p = pair_make();
    struct plane_control_hdr hdr = header(5, 4242), got;
    uint8_t buf[256];
    ssize_t len;

    CHECK(control_queue_push(p.q, &hdr, "control", 7, true));
    len = recv(p.reader, buf, sizeof(buf), MSG_DONTWAIT);
    CHECK_EQ(len, (ssize_t)(sizeof(hdr) + 7));
    memcpy(&got, buf, sizeof(got));
    CHECK_MEM(&got, &hdr, sizeof(hdr));
    CHECK_MEM(buf + sizeof(hdr), "control", 7);
    CHECK(recv(p.reader, buf, sizeof(buf), MSG_DONTWAIT) < 0);
    pair_free(&p);
}

/* One source gets a quarter of its class, many strangers half, and peers the rest after them. */
TEST("shares of strangers and peers")
{
    struct pair p = pair_make();
    unsigned all, one, strangers, peers;

    all = fill(&p, 100000, 1, true);
    CHECK(all > 64);
    CHECK_EQ(drain(&p, UINT32_MAX), all);

    one = fill(&p, 7, 0, false);
    CHECK(one >= all / 10 && one <= all / 8 + 1);
    strangers = one + fill(&p, 1000, 1, false);
    CHECK(strangers > one && strangers <= all / 2 + 1);
    CHECK(strangers >= all * 2 / 5);
    peers = fill(&p, 200000, 1, true);
    CHECK(peers >= all - strangers - all / 20);
    CHECK_EQ(drain(&p, UINT32_MAX), strangers + peers);
    pair_free(&p);
}

TEST("a peer's address is bounded, too")
{
    struct pair p = pair_make();
    unsigned all = fill(&p, 100000, 1, true), one;

    drain(&p, UINT32_MAX);
    one = fill(&p, 7, 0, true);
    CHECK(one >= all / 5 && one <= all / 4 + 1);
    CHECK(push(&p, 8, true));
    pair_free(&p);
}

/* A stranger on every port of one address is one source. */
TEST("one address with many ports is one source")
{
    struct pair p = pair_make();
    unsigned one = fill(&p, 7, 0, false), n = 0;
    static const uint8_t packet[PACKET];

    drain(&p, UINT32_MAX);
    for (uint16_t port = 1; port < 20000; port++) {
        struct plane_control_hdr hdr = header(7, port);

        n += control_queue_push(p.q, &hdr, packet, sizeof(packet), false);
    }
    CHECK_EQ(n, one);
    pair_free(&p);
}

TEST("reading makes room")
{
    struct pair p = pair_make();
    unsigned one = fill(&p, 7, 0, false), again;

    CHECK(!push(&p, 7, false));
    CHECK_EQ(drain(&p, one / 2), one / 2);
    again = fill(&p, 7, 0, false);
    CHECK(again + 1 >= one / 2 && again <= one / 2 + 1);
    /* For long: the books do not drift from the kernel's. */
    for (unsigned i = 0; i < 20 * one; i++) {
        CHECK_EQ(drain(&p, 1), 1);
        CHECK(push(&p, 7, false));
    }
    drain(&p, UINT32_MAX);
    again = fill(&p, 7, 0, false);
    CHECK(again + 1 >= one && again <= one + 1);
    pair_free(&p);
}

/* The reader comes in while packets of many sizes and sources are pushed. */
TEST("random sizes, sources and reads")
{
    struct rng rng = test_rng();
    struct pair p = pair_make();
    static const uint8_t packet[2048];
    uint64_t in = 0, out = 0;
    unsigned one;

    for (unsigned i = 0; i < test_rounds(20000); i++) {
        struct plane_control_hdr hdr = header(rng_below(&rng, 50), 1);

        in += control_queue_push(p.q, &hdr, packet, rng_below(&rng, sizeof(packet)),
                                 rng_chance(&rng, 50));
        if (rng_chance(&rng, 5))
            out += drain(&p, rng_below(&rng, 40));
    }
    out += drain(&p, UINT32_MAX);
    CHECK_EQ((long long)in, (long long)out);
    one = fill(&p, 7, 0, false);
    CHECK(one > 8);
    pair_free(&p);
}

TEST("a push after close is refused")
{
    struct pair p = pair_make();

    CHECK(push(&p, 1, true));
    control_queue_close(p.q);
    CHECK(!push(&p, 1, true));
    control_queue_close(p.q);
    pair_free(&p);
    control_queue_free(NULL);
}

/* openvpn closed its end: no signal, no endless wait. */
TEST("a push to a reader that is gone fails")
{
    struct pair p = pair_make();

    close(p.reader);
    p.reader = -1;
    CHECK(!push(&p, 1, true));
    control_queue_free(p.q);
}

static void *
push_until(void *arg)
{
    struct pair *p = arg;

    while (dco_load(&p->stop) == 0)
        (void)push(p, 1, true);
    return NULL;
}

/* openvpn runs its scripts with fork() while workers push. The child has one thread, so a lock that
 * another one holds at that moment is held for ever, and openvpn waits for its script as long. */
TEST("children that are born while it is in use")
{
    struct pair p = pair_make();
    unsigned ended = 0;
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, push_until, &p) == 0);
    for (unsigned i = 0; i < FORKS; i++) {
        int status = 1;
        pid_t pid = fork();

        if (pid == 0) {
            alarm(10);
            control_queue_fork_child(p.q);
            _exit(0);
        }
        ended += pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
        if (ended <= i)
            break;
    }
    dco_store(&p.stop, 1U);
    pthread_join(thread, NULL);
    CHECK_EQ(ended, FORKS);
    pair_free(&p);
}
