/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sparse map from 24-bit ids to pointers, read without locks. It has two levels; a page of the
 * second is allocated when an id in its range is first used, and lives until the map ends.
 *
 * get, next: any thread inside a read section. All others: under the control lock.
 */
#ifndef DCO_IDMAP_H
#define DCO_IDMAP_H

#include "env.h"

#define DCO_IDMAP_BITS 12 /* of the id, per level */
#define DCO_IDMAP_PAGE (1U << DCO_IDMAP_BITS)

struct dco_idmap {
    const struct dco_env *env;
    void **page[DCO_IDMAP_PAGE]; /* atomic */
};

void dco_idmap_init(struct dco_idmap *map, const struct dco_env *env);
/* The objects are not touched. No reader may be left. */
void dco_idmap_fini(struct dco_idmap *map);

/* NULL for an unused id and for one beyond 24 bits. */
void *dco_idmap_get(const struct dco_idmap *map, uint32_t id);
/* Makes sure that dco_idmap_set() has room for this id (at most 24 bits). 0 or -ENOMEM. */
int dco_idmap_reserve(struct dco_idmap *map, uint32_t id);
/* NULL removes the entry. The id must have been reserved. */
void dco_idmap_set(struct dco_idmap *map, uint32_t id, void *object);
/* The object with the lowest id >= from, or NULL. Objects that come or go meanwhile may be missed.
 */
void *dco_idmap_next(const struct dco_idmap *map, uint32_t from);

#endif
