/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table of pointers, read without locks. Open addressing over an array that is replaced as a
 * whole when it fills: find is a handful of adjacent loads, and a table of any size stays constant
 * time. Several objects may carry the same key: find returns the one that was put in front last.
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
/* Makes room: the next n adds cannot fail. 0 or -ENOMEM, and then nothing changed. */
int dco_table_reserve(struct dco_table *t, uint32_t n);
/* add() takes precedence over existing objects with the same key; add_behind() yields to them.
 * 0 or -ENOMEM, and then nothing changed. */
int dco_table_add(struct dco_table *t, uint64_t hash, void *object);
int dco_table_add_behind(struct dco_table *t, uint64_t hash, void *object);
/* False if the object was not there under this hash. */
bool dco_table_del(struct dco_table *t, uint64_t hash, const void *object);

/* How many objects it holds, each as often as it was added; whether object is there under this
 * hash; NULL if the table agrees with itself, else what is wrong. For self-checks, under the
 * control lock. */
uint32_t dco_table_count(const struct dco_table *t);
bool dco_table_has(const struct dco_table *t, uint64_t hash, const void *object);
const char *dco_table_validate(const struct dco_table *t);

/* For dco_deferred_run(). */
void dco_table_array_end(struct dco_deferred *d);

#endif
