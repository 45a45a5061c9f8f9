/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of routes, with one entry for each route and nexthop. The caller's lock guards it.
 *
 * Equal routes (of one prefix, table and metric) have the order of the kernel, which takes the
 * first: a new route is put before the others, an appended one behind them, and a dump shows the
 * order.
 */
#ifndef DCO_PLANE_ROUTE_STORE_H
#define DCO_PLANE_ROUTE_STORE_H

#include "core/route.h"
#include "core/siphash.h"
#include "linux/plane/route_msg.h"

/* Further routes are refused; the caller logs that once. */
#define ROUTE_STORE_MAX 1000000U

struct route_entry;

struct route_store {
    struct route_entry **bucket; /* NULL until the first entry */
    uint32_t mask;
    uint32_t count;
    uint32_t generation;     /* of entries that the current dump showed; see sweep */
    int64_t first, last;     /* places that were given in front and behind */
    struct route_key dumped; /* the last route of the current dump, and its place before that */
    int64_t dumped_place;
    struct dco_siphash_key secret;
};

void route_store_init(struct route_store *s, const struct dco_siphash_key *secret);
void route_store_fini(struct route_store *s);

enum route_news {
    ROUTE_NEWS_CHANGE, /* a notification */
    ROUTE_NEWS_DUMP,   /* a part of the dump that route_store_mark() began */
};

/* Adds or deletes the nexthops of msg whose device is in ifindexes[0..n). Sets changed[i] if a
 * route of device i changed. 0, or -ENOMEM if an entry could not be added. */
int route_store_apply(struct route_store *s, const struct route_msg *msg, enum route_news news,
                      const uint32_t *ifindexes, unsigned n, bool *changed);

/* Adds a route in front of its equals, and counts how often that was done; or takes one of these
 * times back and deletes the route after the last. -ENOMEM; false: there is no such route. */
int route_store_hold(struct route_store *s, const struct route_key *key,
                     const struct route_hop *hop);
bool route_store_release(struct route_store *s, const struct route_key *key,
                         const struct route_hop *hop);
bool route_store_has(const struct route_store *s, const struct route_key *key,
                     const struct route_hop *hop);

/* Mark at the begin of a dump; the sweep at its end deletes the entries that the dump did not show.
 */
void route_store_mark(struct route_store *s);
void route_store_sweep(struct route_store *s, const uint32_t *ifindexes, unsigned n, bool *changed);

/* Deletes every route of a device. */
void route_store_forget(struct route_store *s, uint32_t ifindex);

/* Which of the routes to list. */
typedef bool (*route_filter)(const struct route_key *key, const struct route_hop *hop);

/* The routes of one device that the filter lets pass, best first among equal prefixes: lower
 * metric, then the main table, then the lower table, then the order of equals. Caller frees. *n may
 * be 0 with NULL. -ENOMEM. */
int route_store_list(const struct route_store *s, uint32_t ifindex, route_filter filter,
                     struct dco_route **routes, size_t *n);

#endif
