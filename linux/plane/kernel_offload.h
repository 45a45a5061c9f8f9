/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offloads of the kernel that the plane uses if they exist. Each has a fallback, and each can be
 * switched off by name in the environment variable OPENDCO_OFFLOADS_OFF (a comma-separated list),
 * to find a faulty one and to test the fallback. OPENDCO_OFFLOADS_ON names those that are used
 * although this version of the kernel is known to break them.
 */
#ifndef DCO_PLANE_KERNEL_OFFLOAD_H
#define DCO_PLANE_KERNEL_OFFLOAD_H

#include <stdbool.h>

enum offload {
    OFFLOAD_TUN_TSO = 1,        /* "tun-tso": TCP super-packets to and from the TUN */
    OFFLOAD_TUN_USO = 2,        /* "tun-uso": UDP super-packets to and from the TUN */
    OFFLOAD_UDP_GSO = 4,        /* "udp-gso": UDP_SEGMENT sends */
    OFFLOAD_UDP_GRO = 8,        /* "udp-gro": UDP_GRO receives */
    OFFLOAD_TUN_BATCH = 16,     /* "tun-batch": several writes to the TUN in one call */
    OFFLOAD_UDP_GSO_EQUAL = 32, /* "udp-gso-equal": UDP_SEGMENT sends whose last packet is not
                                 * shorter than the others */
};

/* True if neither the user nor this version of the kernel switches the offload off. The first call
 * reads the environment and comes before any worker starts. An unknown name is logged and ignored.
 */
bool offload_wanted(enum offload offload);

/* The offloads that the kernel of this release ("7.0.4-1-amd64", as uname() says it) breaks. */
unsigned offload_broken(const char *release);

#endif
