/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why readers need no lock: a cell changes from empty to an object once. Its hash is written before
 * the object is released and never again, and a cell that was emptied is not used again. So a
 * reader that acquires an object sees the hash of that object. Objects of one hash lie newest first
 * along the probe sequence. Adding one in front moves the others towards the end, each written to
 * its new cell before its old one is overwritten, so a reader that walks in the same direction
 * meets every one of them. At least half of the cells are empty, which ends every walk.
 */
#include "table.h"

#include "atomic.h"

struct cell {
    uint64_t hash;
    void *object; /* atomic; NULL: never used */
};

struct dco_table_array {
    struct dco_deferred deferred;
    const struct dco_env *env;
    size_t bytes;    /* of this allocation */
    uint64_t mask;   /* cells - 1; a power of two less one */
    uint64_t used;   /* control lock; objects */
    uint64_t filled; /* control lock; cells that are not empty: objects and emptied ones */
    struct cell cell[];
};

#define TABLE_MIN 16U

static char gone_mark;
#define GONE ((void *)&gone_mark)

void
dco_table_init(struct dco_table *t, const struct dco_env *env,
               bool (*match)(const void *object, const void *key))
{
    t->env = env;
    t->array = NULL;
    t->match = match;
}

void
dco_table_array_end(struct dco_deferred *d)
{
    struct dco_table_array *a = dco_deferred_in(d, struct dco_table_array);

    dco_env_free(a->env, a, a->bytes);
}

void
dco_table_fini(struct dco_table *t)
{
    if (t->array != NULL)
        dco_table_array_end(&t->array->deferred);
    t->array = NULL;
}

void *
dco_table_find(const struct dco_table *t, uint64_t hash, const void *key)
{
    const struct dco_table_array *a = dco_load_acquire(&t->array);

    if (a == NULL)
        return NULL;
    for (uint64_t i = hash & a->mask;; i = (i + 1) & a->mask) {
        void *object = dco_load_acquire(&a->cell[i].object);

        if (object == NULL)
            return NULL;
        if (object != GONE && a->cell[i].hash == hash && t->match(object, key))
            return object;
    }
}

/* The empty cell at the end of the probe sequence of hash. */
static uint64_t
probe_end(const struct dco_table_array *a, uint64_t hash)
{
    uint64_t i = hash & a->mask;

    while (a->cell[i].object != NULL)
        i = (i + 1) & a->mask;
    return i;
}

static void
insert_behind(struct dco_table_array *a, uint64_t hash, void *object)
{
    uint64_t i = probe_end(a, hash);

    a->cell[i].hash = hash;
    a->used++;
    a->filled++;
    dco_store_release(&a->cell[i].object, object);
}

static void
insert_in_front(struct dco_table_array *a, uint64_t hash, void *object)
{
    uint64_t to = probe_end(a, hash);
    uint64_t i = to;

    a->cell[to].hash = hash;
    a->used++;
    a->filled++;
    while (i != (hash & a->mask)) {
        i = (i - 1) & a->mask;
        if (a->cell[i].hash != hash || a->cell[i].object == GONE)
            continue;
        dco_store_release(&a->cell[to].object, a->cell[i].object);
        to = i;
    }
    dco_store_release(&a->cell[to].object, object);
}

static struct dco_table_array *
array_new(const struct dco_env *env, uint64_t objects)
{
    struct dco_table_array *a;
    uint64_t cells = TABLE_MIN;
    size_t bytes;

    while (cells < 4 * objects)
        cells *= 2;
    bytes = sizeof(*a) + (size_t)cells * sizeof(a->cell[0]);
    a = dco_env_alloc(env, bytes);
    if (a == NULL)
        return NULL;
    a->deferred.kind = DCO_DEFERRED_TABLE;
    a->env = env;
    a->bytes = bytes;
    a->mask = cells - 1;
    return a;
}

/* Starts behind an empty cell, so that objects of one hash keep their order even if their probe
 * sequence wraps around the end of the array. */
static void
array_copy(struct dco_table_array *to, const struct dco_table_array *from)
{
    uint64_t start = probe_end(from, 0);

    for (uint64_t n = 1; n <= from->mask; n++) {
        const struct cell *cell = &from->cell[(start + n) & from->mask];

        if (cell->object != NULL && cell->object != GONE)
            insert_behind(to, cell->hash, cell->object);
    }
}

int
dco_table_reserve(struct dco_table *t, uint32_t n)
{
    struct dco_table_array *old = t->array;
    struct dco_table_array *a;

    if (old != NULL && old->filled + n <= (old->mask + 1) / 2)
        return 0;
    a = array_new(t->env, (old != NULL ? old->used : 0) + n);
    if (a == NULL)
        return -ENOMEM;
    if (old != NULL)
        array_copy(a, old);
    dco_store_release(&t->array, a);
    if (old != NULL)
        dco_env_defer(t->env, &old->deferred);
    return 0;
}

int
dco_table_add(struct dco_table *t, uint64_t hash, void *object)
{
    int err = dco_table_reserve(t, 1);

    if (err == 0)
        insert_in_front(t->array, hash, object);
    return err;
}

int
dco_table_add_behind(struct dco_table *t, uint64_t hash, void *object)
{
    int err = dco_table_reserve(t, 1);

    if (err == 0)
        insert_behind(t->array, hash, object);
    return err;
}

bool
dco_table_del(struct dco_table *t, uint64_t hash, const void *object)
{
    struct dco_table_array *a = t->array;

    if (a == NULL)
        return false;
    for (uint64_t i = hash & a->mask; a->cell[i].object != NULL; i = (i + 1) & a->mask) {
        if (a->cell[i].object == object && a->cell[i].hash == hash) {
            dco_store_release(&a->cell[i].object, GONE);
            a->used--;
            return true;
        }
    }
    return false;
}

/* Self-checks */

uint32_t
dco_table_count(const struct dco_table *t)
{
    return t->array != NULL ? (uint32_t)t->array->used : 0;
}

bool
dco_table_has(const struct dco_table *t, uint64_t hash, const void *object)
{
    const struct dco_table_array *a = t->array;

    if (a == NULL)
        return false;
    for (uint64_t i = hash & a->mask; a->cell[i].object != NULL; i = (i + 1) & a->mask) {
        if (a->cell[i].object == object && a->cell[i].hash == hash)
            return true;
    }
    return false;
}

const char *
dco_table_validate(const struct dco_table *t)
{
    const struct dco_table_array *a = t->array;
    uint64_t used = 0, filled = 0;

    if (a == NULL)
        return NULL;
    if ((a->mask & (a->mask + 1)) != 0 || a->mask < TABLE_MIN - 1)
        return "the size of a table is not a power of two";
    if (2 * a->filled > a->mask + 1)
        return "more than half of the cells of a table are filled";
    for (uint64_t i = 0; i <= a->mask; i++) {
        void *object = a->cell[i].object;

        filled += object != NULL;
        used += object != NULL && object != GONE;
        if (object != NULL && object != GONE && !dco_table_has(t, a->cell[i].hash, object))
            return "an object of a table is out of reach";
    }
    return used == a->used && filled == a->filled ? NULL : "a table has lost count";
}
