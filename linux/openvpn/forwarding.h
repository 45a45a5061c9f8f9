/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * With offload the packets of one client for another go through the host, which openvpn's own data
 * channel does not need for --client-to-client.
 */
#ifndef DCO_OPENVPN_FORWARDING_H
#define DCO_OPENVPN_FORWARDING_H

#include <stdbool.h>

/* The name of the sysctl that keeps this host from passing packets of a family on between the
 * clients of a device that is made now; NULL if it passes them. What cannot be read, as after
 * chroot(), is taken to be as it was, at first as on. The vfd lock held. */
const char *forwarding_off(bool v4, bool v6);

#endif
