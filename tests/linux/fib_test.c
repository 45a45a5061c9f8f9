/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to the kernel about its routes, in a namespace of the test's own, and one use of the
 * answers: no peer moves to an address that is routed through the device. If this failed, a client
 * could lead the server's packets in a circle, or could no longer roam.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include "bare_dev.h"
#include "harness.h"
#include "linux/plane/plane.h"
#include "linux/plane/port_private.h"
#include "linux/plane/recursion.h"
#include "linux/sys/clock.h"
#include "tests/linux/fib_world.h"

#define SECOND 1000000000ULL
#define MS     1000000ULL

static int
way(const char *dst, uint32_t ifindex)
{
    struct fib_flow flow = {.dst = ip_of(dst)};

    return fib_leads_to(&fib, &flow, ifindex);
}

TEST("fib: tables, local addresses, nexthops")
{
    NEED_KERNEL
    CHECK_EQ(way("10.8.0.7", ours), FIB_DEVICE);
    CHECK_EQ(way("10.8.0.7", other), FIB_ELSEWHERE);
    CHECK_EQ(way("192.168.77.1", ours), FIB_DEVICE);
    CHECK_EQ(way("192.168.1.5", ours), FIB_ELSEWHERE);
    CHECK_EQ(way("192.168.1.5", other), FIB_DEVICE);
    CHECK_EQ(way("192.168.1.1", ours), FIB_ELSEWHERE); /* this host */
    CHECK_EQ(way("192.168.1.1", other), FIB_ELSEWHERE);
    CHECK_EQ(way("10.8.0.1", ours), FIB_ELSEWHERE);
    CHECK_EQ(way("10.8.0.255", ours), FIB_ELSEWHERE); /* broadcast */
    CHECK_EQ(way("8.8.8.8", ours), FIB_DEFAULT);
    CHECK_EQ(way("8.8.8.8", other), FIB_DEVICE);
    CHECK_EQ(way("fd08::7", ours), FIB_DEVICE);
    CHECK_EQ(way("fd99:7::1", ours), FIB_DEVICE);
    CHECK_EQ(way("fd99:1::5", ours), FIB_ELSEWHERE);
    CHECK_EQ(way("fd99:1::1", ours), FIB_ELSEWHERE);
    CHECK_EQ(way("fd99:1::1", other), FIB_ELSEWHERE);
    CHECK_EQ(way("fd08::1", ours), FIB_ELSEWHERE);
    CHECK_EQ(way("2001:db8::1", ours), FIB_DEFAULT); /* no route */
    CHECK(
        system("ip route add blackhole 192.168.9.0/24 && ip route add 192.168.10.0/24 "
               "nexthop via 10.8.0.5 nexthop via 192.168.1.9 && "
               "ip -6 route add fd99:a::/32 nexthop via fd08::5 nexthop via fd99:1::9 && "
               "ip nexthop add id 3 via 10.8.0.6 dev fa0 && ip route add 192.168.11.0/24 nhid 3") ==
        0);
    CHECK_EQ(way("192.168.9.1", ours), FIB_ELSEWHERE);
    for (unsigned i = 1; i < 20; i++) { /* one of several routes is enough, and always the same */
        char dst[32];

        snprintf(dst, sizeof(dst), "192.168.10.%u", i);
        CHECK_EQ(way(dst, ours), FIB_DEVICE);
        CHECK_EQ(way(dst, other), FIB_DEVICE);
        snprintf(dst, sizeof(dst), "fd99:a::%u", i);
        CHECK_EQ(way(dst, ours), FIB_DEVICE);
    }
    CHECK_EQ(way("192.168.11.1", ours), FIB_DEVICE);
    CHECK(system("ip route del 192.168.9.0/24 && ip route del 192.168.10.0/24 && "
                 "ip -6 route del fd99:a::/32 && ip nexthop del id 3") == 0);
    CHECK(way("", ours) < 0);
    fib_close(&fib);
    CHECK(way("10.8.0.7", ours) < 0);
}

static void
expect_flow(struct fib_flow flow, const char *rule, uint32_t before, uint32_t after)
{
    char command[256];
    struct fib_flow plain = {.dst = flow.dst};

    CHECK_EQ(fib_leads_to(&fib, &flow, before), FIB_DEVICE);
    snprintf(command, sizeof(command), "ip rule add %s lookup 77 pref 77", rule);
    CHECK(system(command) == 0);
    CHECK_THAT(fib_leads_to(&fib, &flow, after) == FIB_DEVICE, "%s", rule);
    CHECK_EQ(fib_leads_to(&fib, &plain, before), FIB_DEVICE);
    CHECK(system("ip rule del pref 77") == 0);
}

TEST("fib: rules")
{
    struct fib_flow flow = {.dst = ip_of("8.8.8.8"),
                            .src = ip_of("192.168.1.1"),
                            .mark = 7,
                            .uid = 123,
                            .sport = htons(1194),
                            .dport = htons(4000),
                            .udp = true};

    NEED_KERNEL
    CHECK(system("ip route add default via 10.8.0.5 table 77") == 0);
    expect_flow(flow, "fwmark 7", other, ours);
    expect_flow(flow, "from 192.168.1.1", other, ours);
    expect_flow(flow, "uidrange 123-123", other, ours);
    expect_flow(flow, "ipproto udp sport 1194", other, ours);
    expect_flow(flow, "ipproto udp dport 4000", other, ours);
    flow.oif = ours; /* a bound socket leaves by its device */
    flow.src.family = 0;
    CHECK_EQ(fib_leads_to(&fib, &flow, ours), FIB_DEVICE);
    CHECK_EQ(fib_leads_to(&fib, &flow, other), FIB_ELSEWHERE);
    fib_close(&fib);
}

/* Moves */

static struct plane_dev *dev;
static struct plane_port port = {.refs = 1000}; /* never freed */

static struct dco_peer *
device_begin(void)
{
    struct dco_peer_new req = {.id = 5, .tx_id = 5, .transport = &port};

    dev = bare_dev_new("fa0", DCO_MODE_MP, ours);
    req.vpn4 = ip_of("10.8.0.5");
    req.path.remote.ip = ip_of("192.168.1.200");
    req.path.remote.port = htons(4000);
    CHECK_EQ(dco_control_peer_new(dev->peers, &req, clock_now_ns()), 0);
    return dco_peers_by_id(dev->peers, 5);
}

static void
device_end(void)
{
    bare_dev_free(dev);
    fib_close(&fib);
}

static bool
may_move(struct dco_peer *peer, const char *to, uint64_t now)
{
    struct dco_path from, path = {.remote.ip = ip_of(to), .remote.port = htons(5000)};

    dco_peer_path(peer, &from);
    return recursion_may_move(&fib, dev, &port, peer, &from, &path, now);
}

TEST("moves: not into the device")
{
    struct dco_path path;
    struct dco_peer *peer;
    uint64_t now = SECOND;

    NEED_KERNEL
    peer = device_begin();
    CHECK(may_move(peer, "192.168.1.201", now += 10 * MS));
    CHECK(may_move(peer, "8.8.4.4", now += 10 * MS));
    CHECK(may_move(peer, "fd99:1::8", now += 10 * MS));
    CHECK(may_move(peer, "2001:db8::8", now += 10 * MS)); /* no way there: no way round either */
    CHECK(!may_move(peer, "10.8.0.6", now += 10 * MS));
    CHECK(!may_move(peer, "192.168.77.1", now += 10 * MS));
    CHECK(!may_move(peer, "fd99:7::1", now += 10 * MS));
    CHECK(!may_move(peer, "fd08::9", now += 10 * MS));
    CHECK_EQ(fib.seq, 8);
    CHECK(system("ip route add default via 10.8.0.5 table 78 && "
                 "ip rule add fwmark 9 lookup 78 pref 78") == 0);
    port.way.mark = 9;
    CHECK(!may_move(peer, "8.8.4.4", now += 10 * MS));
    port.way.mark = 0;
    CHECK(may_move(peer, "8.8.4.4", now += 10 * MS));
    for (unsigned i = 0; i < 100; i++) /* neither asked nor moved */
        CHECK(!may_move(peer, "8.8.8.8", now + 10 * MS - 1));
    CHECK_EQ(fib.seq, 10);
    dco_peer_path(peer, &path); /* where it is: nothing to ask */
    CHECK(recursion_may_move(&fib, dev, &port, peer, &path, &path, now));
    CHECK_EQ(fib.seq, 10);
    device_end();
}
