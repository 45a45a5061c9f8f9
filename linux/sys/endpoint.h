/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket addresses and the core's endpoints. Pure functions; any thread. */
#ifndef DCO_SYS_ENDPOINT_H
#define DCO_SYS_ENDPOINT_H

#include <sys/socket.h>

#include "core/addr.h"

/* IPv4 addresses mapped into IPv6 become IPv4. Any other family of sa gives an empty endpoint. */
void endpoint_from_sockaddr(struct dco_endpoint *ep, const struct sockaddr *sa);

/* The address as a socket of this family takes it; IPv4 is mapped for an AF_INET6 socket. Returns
 * its length, 0 where such a socket cannot reach the endpoint. */
socklen_t endpoint_to_sockaddr(const struct dco_endpoint *ep, sa_family_t family,
                               struct sockaddr_storage *ss);

#define ENDPOINT_TEXT_LEN 80U
/* "address:port", "[address%scope]:port" for IPv6, "" for family 0. */
void endpoint_text(const struct dco_endpoint *ep, char text[ENDPOINT_TEXT_LEN]);

#endif
