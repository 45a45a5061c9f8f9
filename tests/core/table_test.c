/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash table beside a model that is a list, with hashes chosen so that probe sequences collide,
 * overlap and run over the end of the array; and what happens when memory runs out.
 */
#include "table.h"

#include "harness.h"
#include "platform.h"

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
        CHECK(dco_table_find(t, hash(key), &key) == model_find(m, key));
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
        CHECK_EQ(in_front ? dco_table_add(t, item->hash, item)
                          : dco_table_add_behind(t, item->hash, item),
                 0);
        model_add(m, item, in_front);
    } else {
        struct item *item = model_take(m, rng_below(rng, m->n));

        CHECK(dco_table_del(t, item->hash, item));
        CHECK(!dco_table_del(t, item->hash, item));
        free(item);
    }
}

static void
run_model(uint64_t (*hash)(uint32_t), uint32_t keys)
{
    struct rng rng = test_rng();
    struct platform platform;
    struct dco_table t;
    struct model m = {.n = 0};

    platform_init(&platform, PLATFORM_IMMEDIATE);
    dco_table_init(&t, &platform.env, match);
    for (unsigned i = 0; i < test_rounds(30000); i++) {
        uint32_t key = rng_below(&rng, keys);

        step(&rng, &t, &m, keys, hash);
        CHECK(dco_table_find(&t, hash(key), &key) == model_find(&m, key));
        if (i % 500 == 0)
            compare_all(&t, &m, keys, hash);
    }
    while (m.n > 0)
        free(model_take(&m, 0));
    dco_table_fini(&t);
    platform_fini(&platform);
}

TEST("table: model, hashes that collide")
{
    run_model(poor_hash, 300);
}

TEST("table: model, hashes that do not")
{
    run_model(good_hash, 300);
}

TEST("table: model, many objects of one key")
{
    run_model(poor_hash, 3);
}

TEST("table: an empty table allocates nothing")
{
    struct platform platform;
    struct dco_table t;
    uint32_t key = 1;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    dco_table_init(&t, &platform.env, match);
    CHECK(dco_table_find(&t, 1, &key) == NULL);
    CHECK(!dco_table_del(&t, 1, &key));
    CHECK_EQ(platform.allocated, 0);
    dco_table_fini(&t);
    platform_fini(&platform);
}

/* Adding and deleting for ever must neither grow the table nor fill it with emptied cells. */
TEST("table: turnover keeps it small")
{
    struct platform platform;
    struct dco_table t;
    struct item item = {.key = 0};

    platform_init(&platform, PLATFORM_IMMEDIATE);
    dco_table_init(&t, &platform.env, match);
    for (uint32_t key = 0; key < 100000; key++) {
        item.key = key;
        CHECK_EQ(dco_table_add(&t, key, &item), 0);
        CHECK(dco_table_find(&t, key, &key) == &item);
        CHECK(dco_table_del(&t, key, &item));
        CHECK(dco_table_find(&t, key, &key) == NULL);
    }
    CHECK_EQ(platform.allocations, 1);
    CHECK(platform.bytes < 1000);
    dco_table_fini(&t);
    platform_fini(&platform);
}

/* As a peer with two VPN addresses is; only the entry that was named goes. */
TEST("table: one object under two hashes")
{
    struct platform platform;
    struct dco_table t;
    struct item item = {.key = 7};

    platform_init(&platform, PLATFORM_IMMEDIATE);
    dco_table_init(&t, &platform.env, match);
    CHECK_EQ(dco_table_add(&t, 3, &item), 0);
    CHECK_EQ(dco_table_add(&t, 2, &item), 0); /* its probe sequence meets the other entry */
    CHECK_EQ(dco_table_add(&t, 2, &item), 0);
    CHECK(dco_table_del(&t, 2, &item));
    CHECK(dco_table_del(&t, 2, &item));
    CHECK(!dco_table_del(&t, 2, &item));
    CHECK(dco_table_find(&t, 3, &item.key) == &item);
    dco_table_fini(&t);
    platform_fini(&platform);
}

TEST("table: without memory nothing changes")
{
    struct platform platform;
    struct dco_table t;
    struct item item[200];
    unsigned failures = 0;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    dco_table_init(&t, &platform.env, match);
    for (uint32_t i = 0; i < 200; i++) {
        item[i] = (struct item){.key = i, .hash = good_hash(i)};
        platform.fail_in = 0;
        if (dco_table_add(&t, item[i].hash, &item[i]) != 0) {
            failures++;
            CHECK(dco_table_find(&t, item[i].hash, &i) == NULL);
            platform.fail_in = -1;
            CHECK_EQ(dco_table_add(&t, item[i].hash, &item[i]), 0);
        }
        platform.fail_in = -1;
        for (uint32_t k = 0; k <= i; k++)
            CHECK(dco_table_find(&t, item[k].hash, &k) == &item[k]);
    }
    CHECK(failures > 3);
    dco_table_fini(&t);
    platform_fini(&platform);
}

TEST("table: reserved room is there")
{
    struct platform platform;
    struct dco_table t;
    struct item item[64];

    platform_init(&platform, PLATFORM_IMMEDIATE);
    dco_table_init(&t, &platform.env, match);
    for (uint32_t round = 0; round < 50; round++) {
        CHECK_EQ(dco_table_reserve(&t, 64), 0);
        platform.fail_in = 0;
        for (uint32_t i = 0; i < 64; i++) {
            item[i] = (struct item){.key = i, .hash = poor_hash(i + round)};
            CHECK_EQ(dco_table_add(&t, item[i].hash, &item[i]), 0);
        }
        platform.fail_in = -1;
        for (uint32_t i = 0; i < 64; i++)
            CHECK(dco_table_del(&t, item[i].hash, &item[i]));
    }
    platform.fail_in = 0;
    CHECK_EQ(dco_table_reserve(&t, 100000), -ENOMEM);
    platform.fail_in = -1;
    dco_table_fini(&t);
    platform_fini(&platform);
}

/* An array that was replaced stays readable until its readers have left. */
TEST("table: replaced arrays are deferred")
{
    struct platform platform;
    struct dco_table t;
    struct item item[100];

    platform_init(&platform, PLATFORM_DELAYED);
    dco_table_init(&t, &platform.env, match);
    for (uint32_t i = 0; i < 100; i++) {
        item[i] = (struct item){.key = i, .hash = i};
        CHECK_EQ(dco_table_add(&t, i, &item[i]), 0);
    }
    CHECK(platform.allocations > 1);
    platform_run_deferred(&platform);
    CHECK_EQ(platform.allocations, 1);
    dco_table_fini(&t);
    platform_fini(&platform);
}
