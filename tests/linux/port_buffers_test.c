/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shares of receive buffers. If this failed, a flood of one port could take the memory that the
 * host has for the UDP sockets of all processes.
 */
#include "linux/plane/port_buffers.h"

#include <stdio.h>
#include <string.h>

#include "harness.h"

#define MIB (1L << 20)

static long
budget(const char *udp_mem, long pages)
{
    FILE *f = fmemopen((void *)(uintptr_t)udp_mem, strlen(udp_mem), "r");
    size_t got = port_buffers_budget(f, pages, 4096);

    if (f != NULL)
        fclose(f);
    return (long)got;
}

TEST("a quarter of udp_mem's pressure, or of its default")
{
    CHECK_EQ(budget("12288\t16384\t24576\n", 1 << 20), 16 * MIB); /* a quarter of 64 MiB */
    CHECK_EQ(budget("3 4 6\n", 1 << 20), 4096);
    CHECK_EQ(budget("575796 767731 1151592\n", 1 << 20), 128 * MIB);
    CHECK_EQ(budget("9 9223372036854775807 9\n", 1 << 20), 128 * MIB);
    CHECK_EQ(budget("nonsense\n", 131072), 16 * MIB); /* of 512 MiB */
    CHECK_EQ(budget("0 0 0\n", 131072), 16 * MIB);
    CHECK_EQ((long)port_buffers_budget(NULL, 32768, 4096), 4 * MIB);
    CHECK_EQ((long)port_buffers_budget(NULL, -1, 4096), 16 * MIB);
    CHECK_EQ((long)port_buffers_budget(NULL, 131072, -1), 16 * MIB);
}

TEST("shares of ports and workers")
{
    static const size_t budgets[] = {4096, MIB, 16 * MIB, 128 * MIB};
    struct buffer_share share;

    for (unsigned b = 0; b < 4; b++)
        for (unsigned ports = 1; ports < 5; ports++)
            for (unsigned n = 0; n <= 16; n++) {
                share = port_buffers_share(budgets[b], ports, n);
                CHECK((share.own + n * share.member) * ports <= budgets[b]);
                CHECK(share.own > 0 && (n == 0 || share.member >= share.own));
            }
    share = port_buffers_share(128 * MIB, 1, 2);
    CHECK_EQ((long)share.own, 2 * MIB);
    CHECK_EQ((long)share.member, 8 * MIB);
    share = port_buffers_share(128 * MIB, 1, 0);
    CHECK_EQ((long)share.own, 8 * MIB);
}
