/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which versions of Linux are known to break an offload. If this failed, the tunnel would lose
 * packets in silence there, or be slower than need be elsewhere.
 */
#include "linux/plane/kernel_offload.h"

#include <stdlib.h>

#include "harness.h"

TEST("the rule by version names Linux 7.0 to 7.1.4 and no other")
{
    static const char *const broken[] = {"7.0.0-rc1", "7.0.4-1-amd64", "7.0.14", "7.1.0", "7.1.4+"};
    static const char *const whole[] = {"6.1.0-50-amd64", "6.18.44", "6.19.14",   "7.1.5",
                                        "7.1.13",         "7.2.0",   "7.10.0-rc", "8.0.1",
                                        "17.0.3",         "nonsense"};

    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        CHECK_THAT(offload_broken(broken[i]) == OFFLOAD_UDP_GSO_EQUAL, "%s", broken[i]);
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        CHECK_THAT(offload_broken(whole[i]) == 0, "%s", whole[i]);
}

TEST("an offload can be switched off by its name, and not by a part of it")
{
    setenv("OPENDCO_OFFLOADS_OFF", "tun-uso,udp-gso-equal", 1);
    CHECK(!offload_wanted(OFFLOAD_UDP_GSO_EQUAL));
    CHECK(!offload_wanted(OFFLOAD_TUN_USO));
    CHECK(offload_wanted(OFFLOAD_UDP_GSO));
}
