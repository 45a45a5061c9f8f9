/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table of pointers, read without locks. It uses open addressing in an array that is
 * replaced as a whole when it fills: a search takes a few adjacent loads, whatever the size of the
 * table. Several objects may have the same key; find returns the one that was added in front last.
 *
 * find: any thread inside a read section. add, del, fini: under the control lock.
 */
#ifndef DCO_TABLE_H
#define DCO_TABLE_H

#include "env.h"

struct dco_table_array;

struct dco_table {
    const struct dco_env *env;
    struct dco_table_array *array; /* replaced under the control lock, old one deferred */
    bool (*match)(const void *object, const void *key);
};

/* Allocates nothing until the first add. */
void dco_table_init(struct dco_table *t, const struct dco_env *env,
                    bool (*match)(const void *object, const void *key));
/* The objects are not touched. No reader may be left. */
void dco_table_fini(struct dco_table *t);

void *dco_table_find(const struct dco_table *t, uint64_t hash, const void *key);
/* Makes room for n adds, which then cannot fail. 0 or -ENOMEM, and then nothing changed. */
int dco_table_reserve(struct dco_table *t, uint32_t n);
/* add() takes precedence over existing objects with the same key; add_behind() yields to them.
 * 0 or -ENOMEM, and then nothing changed. */
int dco_table_add(struct dco_table *t, uint64_t hash, void *object);
int dco_table_add_behind(struct dco_table *t, uint64_t hash, void *object);
/* False if the table does not hold the object under this hash. */
bool dco_table_del(struct dco_table *t, uint64_t hash, const void *object);

/* For self-checks, under the control lock. count: the number of objects, each counted as often as
 * it was added. has: whether the table holds object under this hash. validate: NULL if the table is
 * consistent, else what is wrong. */
uint32_t dco_table_count(const struct dco_table *t);
bool dco_table_has(const struct dco_table *t, uint64_t hash, const void *object);
const char *dco_table_validate(const struct dco_table *t);

/* For dco_deferred_run(). */
void dco_table_array_end(struct dco_deferred *d);

#endif
