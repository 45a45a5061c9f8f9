/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes through the device: the longest matching prefix of an inner address gives the gateway,
 * which names a peer. A finished set never changes; the platform builds a new one from its copy of
 * the routing table and publishes it by dco_peers_set_routes().
 */
#ifndef DCO_ROUTE_H
#define DCO_ROUTE_H

#include "addr.h"
#include "env.h"

struct dco_route {
    struct dco_ip prefix;  /* family 4 or 6; bits beyond len are ignored */
    struct dco_ip gateway; /* family 0: on-link, the destination itself names the peer */
    uint32_t metric;       /* of two routes to one prefix the lower wins; ties: the first given */
    uint8_t len;           /* 0..32 or 0..128; larger: the route is ignored */
};

struct dco_routes;

/* NULL if memory ran out. routes may be NULL when n is 0. */
struct dco_routes *dco_routes_new(const struct dco_env *env, const struct dco_route *routes,
                                  size_t n);
/* Replaces *slot, which readers dco_load_acquire(), by routes and defers the end of the old ones.
 * One writer at a time. */
void dco_routes_publish(const struct dco_env *env, struct dco_routes **slot,
                        struct dco_routes *routes);
/* No reader may be left. */
void dco_routes_free(struct dco_routes *routes);

/* Sets *hop to the gateway of the best route, or to ip itself if that route is on-link or no route
 * matches. Read section. routes may be NULL (an empty set). */
void dco_routes_hop(const struct dco_routes *routes, const struct dco_ip *ip, struct dco_ip *hop);

/* For dco_deferred_run(). */
void dco_routes_end(struct dco_deferred *d);

#endif
