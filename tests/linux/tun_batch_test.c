/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches of writes, to a pair of UDP sockets instead of a TUN queue. In every way to the kernel
 * each packet arrives as one datagram, whole and in order, and each failed write is counted. If
 * this failed, packets would be lost or damaged without a trace.
 */
#include "linux/plane/tun_batch.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define ROOM 70000U

static int in = -1, out = -1; /* written to; read from */

static void
open_pair(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    int size = 4 << 20;

    out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(bind(out, (struct sockaddr *)&sa, sizeof(sa)) == 0);
    CHECK(getsockname(out, (struct sockaddr *)&sa, &len) == 0);
    CHECK(connect(in, (struct sockaddr *)&sa, sizeof(sa)) == 0);
    (void)setsockopt(out, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    (void)setsockopt(out, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

static void
close_pair(void)
{
    close(in);
    close(out);
}

/* A super-packet of `pieces` pieces that tell its number. memory: stays until the flush. */
static uint32_t
make(struct dco_super *super, uint8_t *memory, uint32_t number, uint32_t pieces, uint32_t each)
{
    memset(super, 0, sizeof(*super));
    super->vnet.gso_size = (uint16_t)number;
    super->pieces = pieces;
    for (uint32_t i = 0; i < pieces; i++) {
        super->piece[i] = (struct dco_piece){memory, each};
        for (uint32_t at = 0; at < each; at++)
            *memory++ = (uint8_t)(number * 7 + i * 3 + at);
        super->len += each;
    }
    return super->len;
}

static bool
arrives(const struct dco_super *super)
{
    static uint8_t buf[ROOM];
    struct pollfd pfd = {.fd = out, .events = POLLIN};
    size_t at = sizeof(super->vnet);
    ssize_t len;

    CHECK(poll(&pfd, 1, 1000) == 1);
    len = recv(out, buf, sizeof(buf), 0);
    CHECK_EQ(len, (ssize_t)(sizeof(super->vnet) + super->len));
    CHECK_MEM(buf, &super->vnet, sizeof(super->vnet));
    for (uint32_t i = 0; i < super->pieces; i++) {
        CHECK_MEM(buf + at, super->piece[i].data, super->piece[i].len);
        at += super->piece[i].len;
    }
    return true;
}

static void
rounds_of_random_size(struct tun_batch *b)
{
    static struct dco_super super[2 * TUN_BATCH_PACKETS];
    static uint8_t memory[2 * TUN_BATCH_PACKETS][1024];
    struct rng rng = test_rng();
    uint32_t number = 0;

    for (unsigned round = 0; round < test_rounds(300); round++) {
        uint32_t n = 1 + rng_below(&rng, round % 3 == 0 ? 2 * TUN_BATCH_PACKETS : 8);

        for (uint32_t i = 0; i < n; i++) {
            /* Many pieces at times, so that a batch is full by pieces before it is by packets. */
            uint32_t pieces = 1 + rng_below(&rng, rng_chance(&rng, 20) ? DCO_COALESCE_PIECES : 4);

            (void)make(&super[i], memory[i], number++, pieces, 1 + rng_below(&rng, 8));
            CHECK_EQ(tun_batch_add(b, in, &super[i]), 0);
        }
        CHECK_EQ(tun_batch_flush(b), 0);
        for (uint32_t i = 0; i < n; i++)
            if (!arrives(&super[i]))
                return;
    }
}

/* Nobody can be told by a descriptor that is closed; a datagram that is too long is refused by the
 * write itself. What stands between such packets arrives. */
static void
failures(struct tun_batch *b)
{
    static uint8_t memory[4][66000];
    static struct dco_super super[4];
    uint32_t lost = 0;

    (void)make(&super[0], memory[0], 1, 3, 10);
    (void)make(&super[1], memory[1], 2, 66, 1000);
    (void)make(&super[2], memory[2], 3, 5, 10);
    (void)make(&super[3], memory[3], 4, 1, 10);
    lost += tun_batch_add(b, in, &super[0]);
    lost += tun_batch_add(b, in, &super[1]);
    lost += tun_batch_add(b, -1, &super[2]);
    lost += tun_batch_add(b, in, &super[3]);
    lost += tun_batch_flush(b);
    CHECK_EQ(lost, 66 + 5);
    CHECK(arrives(&super[0]));
    CHECK(arrives(&super[3]));
    CHECK_EQ(tun_batch_flush(b), 0);
    CHECK_EQ(recv(out, memory[0], sizeof(memory[0]), MSG_DONTWAIT), -1);
}

static void
all_ways(bool together)
{
    struct tun_batch *b = tun_batch_new();

    CHECK(b != NULL);
    CHECK_EQ(tun_batch_works(), together);
    open_pair();
    rounds_of_random_size(b);
    failures(b);
    rounds_of_random_size(b);
    close_pair();
    tun_batch_free(b);
}

TEST("packets written together arrive whole, in order, and losses are counted")
{
    struct tun_batch *b = tun_batch_new();
    bool works = tun_batch_works();

    tun_batch_free(b);
    if (!works)
        test_skip("io_setup(2) is refused here");
    all_ways(true);
}

TEST("packets written one by one arrive whole, in order, and losses are counted")
{
    setenv("OPENDCO_OFFLOADS_OFF", "tun-batch", 1);
    all_ways(false);
}
