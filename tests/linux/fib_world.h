/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network for questions about routes: the device fa0 with peers and a wide route, and fb0 with a
 * LAN and the default route. For programs of one file.
 */
#ifndef FIB_WORLD_H
#define FIB_WORLD_H

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>

#include "harness.h"
#include "linux/plane/fib.h"

static uint32_t ours, other; /* devices */
static struct fib fib = {.fd = -1};

static bool
ready(void)
{
    static int state = -1;

    if (state >= 0)
        return state;
    state = unshare(CLONE_NEWNET) == 0 &&
            system("ip link set lo up && ip link add fa0 type veth peer fa1 && "
                   "ip link add fb0 type veth peer fb1 && ip link set fa1 up && "
                   "ip link set fb1 up && ip link set fa0 up && ip link set fb0 up && "
                   "ip addr add 10.8.0.1/24 dev fa0 && ip addr add 192.168.1.1/24 dev fb0 && "
                   "ip -6 addr add fd08::1/64 dev fa0 nodad && "
                   "ip -6 addr add fd99:1::1/64 dev fb0 nodad && "
                   "ip route add 192.168.0.0/16 via 10.8.0.5 dev fa0 && "
                   "ip -6 route add fd99::/16 via fd08::5 dev fa0 && "
                   "ip route add default via 192.168.1.9") == 0;
    ours = if_nametoindex("fa0");
    other = if_nametoindex("fb0");
    return state;
}

#define NEED_KERNEL                                                                                \
    if (!ready())                                                                                  \
        test_skip("no network namespace");                                                         \
    CHECK_EQ(fib_open(&fib), 0);

static struct dco_ip
ip_of(const char *text)
{
    uint8_t addr[16];

    return inet_pton(AF_INET, text, addr) == 1    ? dco_ip4(addr)
           : inet_pton(AF_INET6, text, addr) == 1 ? dco_ip6(addr)
                                                  : (struct dco_ip){0};
}

#endif
