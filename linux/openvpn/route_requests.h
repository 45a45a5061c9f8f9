/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What openvpn asks of the host's routing table because it uses offload. With offload it enters
 * iroutes there with metric 100, and gives metric 200 to each route that has none of its own, so
 * that iroutes win. (Sources: openvpn src/openvpn/dco.c, dco_install_iroute(); init.c,
 * do_init_route_list().) Here iroutes are the plane's, and such a route has no metric: the host's
 * table is what it is without offload.
 */
#ifndef DCO_OPENVPN_ROUTE_REQUESTS_H
#define DCO_OPENVPN_ROUTE_REQUESTS_H

#include <linux/netlink.h>
#include <stdbool.h>

/* A RTM_NEWROUTE or RTM_DELROUTE of openvpn, which may be changed in place; its length stays. True:
 * it was carried out here, *err is 0 or a negative errno, and the kernel must not get it. Preload
 * lock held. */
bool route_request(struct nlmsghdr *request, int *err);

#endif
