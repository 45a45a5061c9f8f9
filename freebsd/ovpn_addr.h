/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the kernel's socket addresses to those of the core.
 */
#ifndef OVPN_ADDR_H
#define OVPN_ADDR_H

#include <sys/param.h>
#include <sys/socket.h>

#include "../core/addr.h"

/* The address, not unmapped. False, and *ip has family 0, unless it is IPv4 or IPv6. */
bool ovpn_addr_ip(const struct sockaddr *sa, struct dco_ip *ip);
/* Address, port and zone, not canonical. Family and port are 0 unless it is IPv4 or IPv6. */
void ovpn_addr_endpoint(const struct sockaddr *sa, struct dco_endpoint *endpoint);

#endif
