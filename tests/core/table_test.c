/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash table beside a model that is a list, with hashes chosen so that probe sequences collide,
 * overlap and run over the end of the array; and what happens when memory runs out.
 */
#include "harness.h"
#include "table.h"

struct item {
    uint32_t key;
    uint64_t hash;
};

static bool
match(const void *object, const void *key)
{
    return ((const struct item *)object)->key == *(const uint32_t *)key;
}

/* The model: objects in the order in which find prefers them. */
#define MODEL_MAX 600U
struct model {
    struct item *item[MODEL_MAX];
    unsigned n;
};

static void
model_add(struct model *m, struct item *item, bool in_front)
{
    memmove(m->item + in_front, m->item, m->n * sizeof(m->item[0]) * in_front);
    m->item[in_front ? 0 : m->n] = item;
    m->n++;
}

static struct item *
model_find(const struct model *m, uint32_t key)
{
    for (unsigned i = 0; i < m->n; i++) {
        if (m->item[i]->key == key)
            return m->item[i];
    }
    return NULL;
}

static struct item *
model_take(struct model *m, unsigned i)
{
    struct item *item = m->item[i];

    memmove(m->item + i, m->item + i + 1, (m->n - i - 1) * sizeof(m->item[0]));
    m->n--;
    return item;
}

/* Few distinct hashes, many of them near the end of any array. */
static uint64_t
poor_hash(uint32_t key)
{
    static const uint64_t base[] = {0, 1, 14, 15, 30, 31, 62, 63, 510, 511, ~0ULL, ~1ULL};

    return base[key % 12] + (uint64_t)(key / 96) * (1ULL << 40);
}

static uint64_t
good_hash(uint32_t key)
{
    struct rng rng = {key};

    return rng_next(&rng);
}

static void
compare_all(const struct dco_table *t, const struct model *m, uint32_t keys,
            uint64_t (*hash)(uint32_t))
{
    for (uint32_t key = 0; key < keys; key++)
        check(dco_table_find(t, hash(key), &key) == model_find(m, key));
}

static void
step(struct rng *rng, struct dco_table *t, struct model *m, uint32_t keys,
     uint64_t (*hash)(uint32_t))
{
    if (m->n < MODEL_MAX && (m->n == 0 || rng_chance(rng, 52))) {
        struct item *item = malloc(sizeof(*item));
        bool in_front = rng_chance(rng, 50);

        item->key = rng_below(rng, keys);
        item->hash = hash(item->key);
        check_equal(in_front ? dco_table_add(t, item->hash, item)
                             : dco_table_add_behind(t, item->hash, item),
                    0);
        model_add(m, item, in_front);
    } else {
        struct item *item = model_take(m, rng_below(rng, m->n));

        check(dco_table_del(t, item->hash, item));
        check(!dco_table_del(t, item->hash, item));
        free(item);
    }
}

static void
run_model(uint64_t (*hash)(uint32_t), uint32_t keys)
{
    struct rng rng = harness_rng();
    struct home home;
    struct dco_table t;
    struct model m = {.n = 0};

    home_init(&home, HOME_IMMEDIATE);
    dco_table_init(&t, &home.env, match);
    for (unsigned i = 0; i < harness_rounds(30000); i++) {
        uint32_t key = rng_below(&rng, keys);

        step(&rng, &t, &m, keys, hash);
        check(dco_table_find(&t, hash(key), &key) == model_find(&m, key));
        if (i % 500 == 0)
            compare_all(&t, &m, keys, hash);
    }
    while (m.n > 0)
        free(model_take(&m, 0));
    dco_table_fini(&t);
    home_fini(&home);
}

static void
colliding(void)
{
    run_model(poor_hash, 300);
}

static void
spread(void)
{
    run_model(good_hash, 300);
}

static void
one_key_many_objects(void)
{
    run_model(poor_hash, 3);
}

static void
empty(void)
{
    struct home home;
    struct dco_table t;
    uint32_t key = 1;

    home_init(&home, HOME_IMMEDIATE);
    dco_table_init(&t, &home.env, match);
    check(dco_table_find(&t, 1, &key) == NULL);
    check(!dco_table_del(&t, 1, &key));
    check_equal(home.allocated, 0);
    dco_table_fini(&t);
    home_fini(&home);
}

/* Adding and deleting for ever must neither grow the table nor fill it with emptied cells. */
static void
turnover(void)
{
    struct home home;
    struct dco_table t;
    struct item item = {.key = 0};

    home_init(&home, HOME_IMMEDIATE);
    dco_table_init(&t, &home.env, match);
    for (uint32_t key = 0; key < 100000; key++) {
        item.key = key;
        check_equal(dco_table_add(&t, key, &item), 0);
        check(dco_table_find(&t, key, &key) == &item);
        check(dco_table_del(&t, key, &item));
        check(dco_table_find(&t, key, &key) == NULL);
    }
    check_equal(home.allocations, 1);
    check(home.bytes < 1000);
    dco_table_fini(&t);
    home_fini(&home);
}

/* As a peer with two VPN addresses is; only the entry that was named goes. */
static void
one_object_under_two_hashes(void)
{
    struct home home;
    struct dco_table t;
    struct item item = {.key = 7};

    home_init(&home, HOME_IMMEDIATE);
    dco_table_init(&t, &home.env, match);
    check_equal(dco_table_add(&t, 3, &item), 0);
    check_equal(dco_table_add(&t, 2, &item), 0); /* its probe sequence meets the other entry */
    check_equal(dco_table_add(&t, 2, &item), 0);
    check(dco_table_del(&t, 2, &item));
    check(dco_table_del(&t, 2, &item));
    check(!dco_table_del(&t, 2, &item));
    check(dco_table_find(&t, 3, &item.key) == &item);
    dco_table_fini(&t);
    home_fini(&home);
}

static void
no_memory(void)
{
    struct home home;
    struct dco_table t;
    struct item item[200];
    unsigned failures = 0;

    home_init(&home, HOME_IMMEDIATE);
    dco_table_init(&t, &home.env, match);
    for (uint32_t i = 0; i < 200; i++) {
        item[i] = (struct item){.key = i, .hash = good_hash(i)};
        home.fail_in = 0;
        if (dco_table_add(&t, item[i].hash, &item[i]) != 0) {
            failures++;
            check(dco_table_find(&t, item[i].hash, &i) == NULL);
            home.fail_in = -1;
            check_equal(dco_table_add(&t, item[i].hash, &item[i]), 0);
        }
        home.fail_in = -1;
        for (uint32_t k = 0; k <= i; k++)
            check(dco_table_find(&t, item[k].hash, &k) == &item[k]);
    }
    check(failures > 3);
    dco_table_fini(&t);
    home_fini(&home);
}

static void
reserved(void)
{
    struct home home;
    struct dco_table t;
    struct item item[64];

    home_init(&home, HOME_IMMEDIATE);
    dco_table_init(&t, &home.env, match);
    for (uint32_t round = 0; round < 50; round++) {
        check_equal(dco_table_reserve(&t, 64), 0);
        home.fail_in = 0;
        for (uint32_t i = 0; i < 64; i++) {
            item[i] = (struct item){.key = i, .hash = poor_hash(i + round)};
            check_equal(dco_table_add(&t, item[i].hash, &item[i]), 0);
        }
        home.fail_in = -1;
        for (uint32_t i = 0; i < 64; i++)
            check(dco_table_del(&t, item[i].hash, &item[i]));
    }
    home.fail_in = 0;
    check_equal(dco_table_reserve(&t, 100000), -ENOMEM);
    home.fail_in = -1;
    dco_table_fini(&t);
    home_fini(&home);
}

/* An array that was replaced stays readable until its readers have left. */
static void
replaced_arrays_wait(void)
{
    struct home home;
    struct dco_table t;
    struct item item[100];

    home_init(&home, HOME_DELAYED);
    dco_table_init(&t, &home.env, match);
    for (uint32_t i = 0; i < 100; i++) {
        item[i] = (struct item){.key = i, .hash = i};
        check_equal(dco_table_add(&t, i, &item[i]), 0);
    }
    check(home.allocations > 1);
    home_run_deferred(&home);
    check_equal(home.allocations, 1);
    dco_table_fini(&t);
    home_fini(&home);
}

static const struct test tests[] = {
    {"table: an empty table allocates nothing", empty},
    {"table: model, hashes that collide", colliding},
    {"table: model, hashes that do not", spread},
    {"table: model, many objects of one key", one_key_many_objects},
    {"table: turnover keeps it small", turnover},
    {"table: one object under two hashes", one_object_under_two_hashes},
    {"table: without memory nothing changes", no_memory},
    {"table: reserved room is there", reserved},
    {"table: replaced arrays are deferred", replaced_arrays_wait},
};
HARNESS_MAIN(tests)
