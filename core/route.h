/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes to peers: a route whose prefix matches an inner address gives a gateway, which names a
 * peer. A finished set never changes; the platform builds a new one and publishes it by
 * dco_peers_set_routes() or dco_peers_set_iroutes().
 */
#ifndef DCO_ROUTE_H
#define DCO_ROUTE_H

#include "addr.h"
#include "env.h"

struct dco_route {
    struct dco_ip prefix;  /* family 4 or 6; bits beyond len are ignored */
    struct dco_ip gateway; /* the VPN address of a peer; family 0: the search for a gateway ends
                              at this prefix, so that shorter ones do not count */
    uint8_t len;           /* 0..32 or 0..128; larger: the route is ignored */
};

struct dco_routes;

/* Of several routes to one prefix the first given is the best. NULL if memory ran out. routes may
 * be NULL when n is 0. */
struct dco_routes *dco_routes_new(const struct dco_env *env, const struct dco_route *routes,
                                  size_t n);
/* Replaces *slot, which readers dco_load_acquire(), by routes and defers the end of the old ones.
 * One writer at a time. */
void dco_routes_publish(const struct dco_env *env, struct dco_routes **slot,
                        struct dco_routes *routes);
/* No reader may be left. */
void dco_routes_free(struct dco_routes *routes);

/* Returns something about a gateway, or NULL: not this one. */
typedef void *(*dco_routes_pick)(const void *arg, const struct dco_ip *gateway);

/* Calls pick(arg, gateway) for the routes that match ip, the longest prefix first, until it does
 * not return NULL or a route has no gateway. Returns what it returned last, or NULL. Read section.
 * routes may be NULL (an empty set). */
void *dco_routes_find(const struct dco_routes *routes, const struct dco_ip *ip,
                      dco_routes_pick pick, const void *arg);

/* For dco_deferred_run(). */
void dco_routes_end(struct dco_deferred *d);

#endif
