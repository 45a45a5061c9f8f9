/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plane sends refused trains in another way, and sends trains again when the reason is gone.
 * The program's own sendmmsg() and sendmsg() stand in for the kernel. If this failed, one forged
 * ICMP message or one change of route would make a peer, or the process, slow until the next start.
 */
#include "linux/plane/send.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/keys_private.h"
#include "core/peer_private.h"
#include "harness.h"
#include "linux/plane/tx.h"
#include "linux/sys/calls.h"
#include "linux/sys/kernel_abi.h"

#define SECOND 1000000000ULL
#define SEG    500U

static unsigned kernel_max;   /* segments */
static int kernel_error;      /* what every train is refused with; 0: none */
static unsigned trains, most; /* accepted; packets of the largest */
static unsigned packets;      /* accepted, one way or the other */
static uint8_t payload[TX_TRAIN_BYTES];

static int
kernel_takes(const struct msghdr *msg)
{
    unsigned n = (unsigned)((msg->msg_iov->iov_len + SEG - 1) / SEG);

    if (msg->msg_control == NULL) {
        packets++;
        return 0;
    }
    if (kernel_error != 0)
        return kernel_error;
    if (n > kernel_max)
        return EINVAL;
    trains++;
    packets += n;
    most = n > most ? n : most;
    return 0;
}

static ssize_t
fake_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    (void)fd;
    (void)flags;
    errno = kernel_takes(msg);
    return errno ? -1 : (ssize_t)msg->msg_iov->iov_len;
}

int
sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags)
{
    (void)fd;
    (void)flags;
    for (unsigned i = 0; i < n; i++) {
        errno = kernel_takes(&msg[i].msg_hdr);
        if (errno)
            return i > 0 ? (int)i : -1;
    }
    return (int)n;
}

/* The C library's entry points, as far as send.c uses them, with the kernel of this test behind. */
const struct sys_calls *
sys(void)
{
    static const struct sys_calls calls = {
        .sendmsg = fake_sendmsg,
        .socket = socket,
        .setsockopt = setsockopt,
        .close = close,
        .writev = writev,
    };

    return &calls;
}

static struct tx tx;
static struct dco_drops drops;
static struct plane_port sock;
static struct dco_peer peer;
static struct dco_key key;
static uint32_t next_id = 1;

/* One train of n packets at that time: how many trains the kernel took for it. */
static unsigned
send_train(uint32_t n, uint64_t now)
{
    struct train *t = &tx.train[0];
    unsigned before = trains, all = packets;

    tx.drops = &drops;
    tx.used = 1;
    peer.transport = &sock;
    sock.family = AF_INET;
    *t = (struct train){.peer = &peer, .key = &key, .buf = payload, .first_id = next_id};
    t->packets = n;
    t->seg = SEG;
    t->bytes = n * SEG - 10;
    next_id += n;
    send_trains(&tx, now);
    CHECK_EQ(packets - all, n);
    return trains - before;
}

static void
begin(void)
{
    kernel_max = KERNEL_UDP_SEGMENTS;
    kernel_error = 0;
    peer.platform.gso_refused = 0;
    peer.platform.gso_off_ns = 0;
    most = 0;
    if (next_id == 1)
        dco_key_sent(&key, 0, 1);
}

TEST("trains come back after a refusal")
{
    static const int errors[] = {EIO, EMSGSIZE, EINVAL};

    for (unsigned i = 0; i < 3; i++) {
        uint64_t now = 100 * SECOND;

        begin();
        CHECK_EQ(send_train(100, now), 1);
        kernel_error = errors[i];
        CHECK_EQ(send_train(100, now), 0);
        kernel_error = 0;
        CHECK_EQ(send_train(100, now + SECOND / 2), 0); /* not asked for each */
        CHECK_EQ(send_train(100, now + SECOND), 1);
        CHECK_EQ(send_train(100, now + SECOND), 1);
        CHECK_EQ(most, 100);
    }
}

/* A peer whose path never takes trains is asked ever more rarely, but is asked. */
TEST("refusals are asked for ever more rarely")
{
    uint64_t now = 100 * SECOND;
    unsigned asked = 0;

    begin();
    kernel_error = EIO;
    for (unsigned i = 0; i < 1200; i++, now += SECOND / 10) {
        uint64_t off = peer.platform.gso_off_ns;

        send_train(10, now);
        asked += peer.platform.gso_off_ns != off;
    }
    CHECK(asked >= 6 && asked <= 9);
    kernel_error = 0;
    CHECK_EQ(send_train(10, now + 33 * SECOND), 1);
}

TEST("an old kernel's limit is found")
{
    begin();
    CHECK_EQ(send_train(40, 100 * SECOND), 1);
    kernel_max = KERNEL_UDP_SEGMENTS_OLD;
    if (send_segments_max() <= KERNEL_UDP_SEGMENTS_OLD)
        test_skip("this kernel has the old limit");
    CHECK_EQ(send_train(100, 100 * SECOND), 1); /* the first 64 as one */
    CHECK_EQ(most, 64);
    CHECK_EQ(send_segments_max(), KERNEL_UDP_SEGMENTS_OLD);
    CHECK_EQ(send_train(64, 100 * SECOND), 1);
}

/* Must come before the limit was proven. */
TEST("another refusal does not lower the limit of the process")
{
    uint32_t max = send_segments_max();

    begin();
    kernel_error = EINVAL;
    CHECK_EQ(send_train(100, 100 * SECOND), 0);
    CHECK_EQ(send_segments_max(), max);
}

/* A peer that is found to get no trains gets none, and gets every packet. */
TEST("no train goes to a peer that gets single packets only")
{
    begin();
    peer.platform.trains_off_ns = UINT64_MAX;
    CHECK_EQ(send_train(100, 100 * SECOND), 0);
    peer.platform.trains_off_ns = 200 * SECOND;
    CHECK_EQ(send_train(100, 199 * SECOND), 0);
    CHECK_EQ(send_train(100, 200 * SECOND), 1);
    peer.platform.trains_off_ns = 0;
}

TEST("where equal trains are broken, only a train with a shorter last packet is one")
{
    struct train *t = &tx.train[0];
    unsigned before;

    begin();
    setenv("OPENDCO_OFFLOADS_OFF", "udp-gso-equal", 1);
    CHECK(send_gso_works());
    CHECK(!send_gso_equal_works());
    CHECK_EQ(send_train(40, 100 * SECOND), 1);
    before = trains;
    tx.used = 1;
    *t = (struct train){.peer = &peer, .key = &key, .buf = payload, .first_id = next_id};
    t->packets = 40;
    t->seg = SEG;
    t->bytes = 40 * SEG;
    next_id += 40;
    send_trains(&tx, 100 * SECOND);
    CHECK_EQ(trains, before);
}
