/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inner addresses from which a client may send, in a namespace of the test's own whose routes
 * ip(8) changes. If this failed, a client could speak for hosts of the server's network or make the
 * server ask the kernel without end, or networks behind clients would be cut off.
 */
#include "linux/plane/source.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include "bare_dev.h"
#include "core/peers_private.h"
#include "harness.h"
#include "linux/plane/plane.h"
#include "linux/plane/platform.h"
#include "linux/plane/port_private.h"
#include "linux/sys/clock.h"
#include "tests/linux/fib_world.h"

#define SECOND 1000000000ULL

static struct plane_dev *dev;
static struct source_check sources;
static struct plane_port port = {.refs = 1000}; /* never freed */

static struct dco_peer *
device_begin(enum dco_mode mode)
{
    struct dco_route routes[] = {
        {.prefix = ip_of("0.0.0.0"), .gateway = ip_of("10.8.0.5")},
        {.prefix = ip_of("::"), .gateway = ip_of("fd08::5")},
        {.prefix = ip_of("10.8.0.0"), .len = 24},
        {.prefix = ip_of("fd08::"), .len = 64},
    };
    struct dco_peer_new req = {.id = 5, .tx_id = 5, .transport = &port};

    dev = bare_dev_new("", mode, ours);
    dco_peers_set_routes(dev->peers, dco_routes_new(&plane_env, routes, 4));
    req.vpn4 = ip_of("10.8.0.5");
    req.vpn6 = ip_of("fd08::5");
    req.path.remote.ip = ip_of("192.168.1.200");
    req.path.remote.port = htons(4000);
    CHECK_EQ(dco_control_peer_new(dev->peers, &req, clock_now_ns()), 0);
    CHECK_EQ(source_check_init(&sources, &fib), 0);
    return mode == DCO_MODE_P2P ? dev->peers->only : dco_peers_by_id(dev->peers, 5);
}

static void
device_end(void)
{
    source_check_fini(&sources);
    bare_dev_free(dev);
    fib_close(&fib);
}

static bool
source(struct dco_peer *peer, const char *text)
{
    struct dco_ip ip = ip_of(text);

    return source_ok(&sources, dev, peer, &ip);
}

TEST("sources: asked once, until something changes")
{
    struct dco_peer *peer;

    NEED_KERNEL
    peer = device_begin(DCO_MODE_MP);
    CHECK(source(peer, "10.8.0.5") && source(peer, "fd08::5"));
    CHECK_EQ(fib.seq, 0); /* nobody is asked about these */
    CHECK(!source(peer, "10.8.0.6"));
    CHECK_EQ(fib.seq, 0);
    CHECK(source(peer, "192.168.77.1") && source(peer, "fd99:7::1"));
    CHECK(!source(peer, "192.168.1.5") && !source(peer, "fd99:1::5"));
    CHECK(!source(peer, "192.168.1.1") && !source(peer, "fd99:1::1"));
    CHECK(source(peer, "8.8.8.8") && !source(peer, "255.255.255.255"));
    CHECK_EQ(fib.seq, 8);
    for (unsigned i = 0; i < 100; i++)
        CHECK(source(peer, "192.168.77.1") && !source(peer, "192.168.1.5"));
    CHECK_EQ(fib.seq, 8); /* remembered */
    CHECK(system("ip route add 192.168.77.0/24 dev fb0") == 0);
    fib_raise_generation();
    CHECK(!source(peer, "192.168.77.1"));
    CHECK_EQ(fib.seq, 9);
    CHECK(system("ip route del 192.168.77.0/24 dev fb0") == 0);
    fib_raise_generation();
    CHECK(source(peer, "192.168.77.1"));
    device_end();
}

/* The question names the address alone: a rule may choose this client for some hosts. */
TEST("sources: a client as the way out")
{
    const struct dco_route narrow = {
        .prefix = ip_of("8.0.0.0"), .len = 8, .gateway = ip_of("10.8.0.6")};
    struct dco_peer_new req = {.id = 6, .tx_id = 6, .transport = &port};
    struct dco_peer *peer;

    NEED_KERNEL
    peer = device_begin(DCO_MODE_MP);
    CHECK(source(peer, "8.8.8.8")); /* the kernel has only a default route for it */
    CHECK(source(peer, "2001:db8::1"));
    CHECK(!source(peer, "192.168.1.5") && !source(peer, "192.168.1.1"));
    req.vpn4 = ip_of("10.8.0.6");
    req.path.remote.ip = ip_of("192.168.1.201");
    req.path.remote.port = htons(4000);
    CHECK_EQ(dco_control_peer_new(dev->peers, &req, clock_now_ns()), 0);
    dco_peers_set_iroutes(dev->peers, dco_routes_new(&plane_env, &narrow, 1));
    CHECK(!source(peer, "8.8.8.8"));
    CHECK(source(dco_peers_by_id(dev->peers, 6), "8.8.8.8"));
    device_end();
}

TEST("sources: peer to peer")
{
    struct dco_peer *peer;

    NEED_KERNEL
    peer = device_begin(DCO_MODE_P2P);
    CHECK(source(peer, "192.168.1.5") && source(peer, "8.8.8.8"));
    CHECK_EQ(fib.seq, 0);
    device_end();
}

/* A few thousand hosts behind a client: asked once each, however their packets are mixed. */
TEST("sources: thousands of hosts")
{
    struct dco_peer *peer;
    char text[32];
    uint32_t first = 0;

    NEED_KERNEL
    peer = device_begin(DCO_MODE_MP);
    for (unsigned round = 0; round < 5; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            snprintf(text, sizeof(text), "192.168.%u.%u", 20 + i / 250, i % 250 + 1);
            dco_peer_platform(peer)->question_ns = 0;
            CHECK(source(peer, text));
        }
        if (round == 0)
            first = fib.seq;
    }
    CHECK_EQ(first, 5000);
    CHECK(fib.seq - first < 5000 / 50); /* sets that are full, by chance */
    device_end();
}

/* Another source with each packet: a bounded number of questions, then only what is known counts.
 */
TEST("sources: another one with each packet")
{
    struct dco_peer *peer;
    uint64_t began, took;
    char text[32];
    uint32_t asked;

    NEED_KERNEL
    peer = device_begin(DCO_MODE_MP);
    began = clock_now_ns();
    CHECK(source(peer, "192.168.77.1") && !source(peer, "192.168.1.5"));
    for (uint32_t i = 0; i < 20000; i++) {
        snprintf(text, sizeof(text), "fd99:7::%x:%x", i >> 8, i);
        (void)source(peer, text);
    }
    took = clock_now_ns() - began;
    CHECK(fib.seq >= 2000 && fib.seq <= 2000 + took / 50000 + 4);

    /* On a slow machine the peer may ask so much that the first two answers lost their place. */
    dco_peer_platform(peer)->question_ns = 0;
    CHECK(source(peer, "192.168.77.1") && !source(peer, "192.168.1.5"));
    dco_peer_platform(peer)->question_ns = clock_now_ns() + 3600 * SECOND; /* all spent */
    asked = fib.seq;
    CHECK(!source(peer, "192.168.77.2"));
    fib_raise_generation();
    CHECK(source(peer, "192.168.77.1") && !source(peer, "192.168.1.5"));
    CHECK_EQ(fib.seq, asked);
    dco_peer_platform(peer)->question_ns = clock_now_ns(); /* and earned again */
    CHECK(source(peer, "192.168.77.2"));
    CHECK_EQ(fib.seq, asked + 1);
    device_end();
}
