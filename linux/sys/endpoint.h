/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket addresses and the core's endpoints. Pure functions; any thread. */
#ifndef DCO_SYS_ENDPOINT_H
#define DCO_SYS_ENDPOINT_H

#include <sys/socket.h>

#include "core/addr.h"

/* IPv4 addresses that are mapped into IPv6 become IPv4. If sa is of any other family, the endpoint
 * becomes empty. */
void endpoint_from_sockaddr(struct dco_endpoint *ep, const struct sockaddr *sa);

/* Writes the address for a socket of this family; IPv4 is mapped for an AF_INET6 socket. Returns
 * its length, or 0 if such a socket cannot reach the endpoint. */
socklen_t endpoint_to_sockaddr(const struct dco_endpoint *ep, sa_family_t family,
                               struct sockaddr_storage *ss);

#define ENDPOINT_TEXT_LEN 80U
/* Writes "address:port", "[address%scope]:port" for IPv6, or "" for family 0. */
void endpoint_text(const struct dco_endpoint *ep, char text[ENDPOINT_TEXT_LEN]);

#endif
