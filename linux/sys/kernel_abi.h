/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constants of the kernel's interface that the headers of Debian 12 (Linux 6.1, glibc 2.36) may
 * lack. The library probes each at run time before it relies on it. Source: Linux
 * include/uapi/linux/{udp,if_tun}.h.
 */
#ifndef DCO_SYS_KERNEL_ABI_H
#define DCO_SYS_KERNEL_ABI_H

#include <linux/if_tun.h>
#include <netinet/udp.h>

#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#endif
#ifndef TUN_F_USO6
#define TUN_F_USO6 0x40
#endif

/* The most segments of one UDP_SEGMENT send (UDP_MAX_SEGMENTS): 64 before Linux 6.9, 128 since. */
#define KERNEL_UDP_SEGMENTS_OLD 64U
#define KERNEL_UDP_SEGMENTS     128U

/* The largest UDP payload over IPv4, which also bounds a whole UDP_SEGMENT send. */
#define KERNEL_UDP_PAYLOAD_MAX 65507U

#endif
