/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routes through our devices, with one entry for each route and nexthop. The caller's lock
 * guards it.
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
    uint32_t generation; /* of entries that the current dump showed; see sweep */
    uint32_t order;      /* counts entries made: of equal routes the first one wins */
    struct dco_siphash_key secret;
};

void route_store_init(struct route_store *s, const struct dco_siphash_key *secret);
void route_store_fini(struct route_store *s);

/* Adds or deletes the nexthops of msg whose device is in ifindexes[0..n). Sets changed[i] if a
 * route of device i changed. 0, or -ENOMEM if an entry could not be added. */
int route_store_apply(struct route_store *s, const struct route_msg *msg, const uint32_t *ifindexes,
                      unsigned n, bool *changed);

/* Mark at the begin of a dump; the sweep at its end deletes the entries that the dump did not show.
 */
void route_store_mark(struct route_store *s);
void route_store_sweep(struct route_store *s, const uint32_t *ifindexes, unsigned n, bool *changed);

/* Deletes every route of a device. */
void route_store_forget(struct route_store *s, uint32_t ifindex);

enum route_tables {
    ROUTE_TABLES_ALL,
    ROUTE_TABLES_POLICY, /* all but the main one: only a rule can choose them */
};

/* The routes of one device, best first among equal prefixes: lower metric, then the main table,
 * then the lower table, then the older route. Caller frees. *n may be 0 with NULL. -ENOMEM. */
int route_store_list(const struct route_store *s, uint32_t ifindex, enum route_tables tables,
                     struct dco_route **routes, size_t *n);

#endif
