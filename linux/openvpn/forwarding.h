/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether this host forwards packets. With offload the packets of one client for another go through
 * the host; openvpn's own data channel does not need that for --client-to-client.
 */
#ifndef DCO_OPENVPN_FORWARDING_H
#define DCO_OPENVPN_FORWARDING_H

#include <stdbool.h>

/* The name of the sysctl that keeps this host from forwarding IPv4 (v4) or IPv6 (v6) packets
 * between the clients of a device that is made now; NULL if it forwards them. A file that cannot be
 * read, as after chroot(), keeps the value read last; before that it counts as on. The preload lock
 * held. */
const char *forwarding_off(bool v4, bool v6);

#endif
