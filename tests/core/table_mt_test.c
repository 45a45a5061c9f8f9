/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readers beside one writer of a table: an object that is there the whole time is always found, one
 * that is found is alive and has the key that was asked for.
 */
#include "table.h"

#include "atomic.h"
#include "harness.h"
#include "platform.h"

#define READERS  3U
#define STABLE   40U /* objects that are never taken out */
#define CHANGING 80U /* keys of those that come and go */
#define ALIVE    0x600df00dU

struct item {
    struct dco_deferred deferred;
    uint32_t key;
    uint32_t alive;
};

static struct platform platform;
static struct dco_table table;
static uint32_t stop;      /* atomic */
static uint64_t found_all; /* atomic */

static bool
match(const void *object, const void *key)
{
    const struct item *item = object;

    CHECK(item->alive == ALIVE);
    return item->key == *(const uint32_t *)key;
}

/* Eight hashes: long probe sequences of mixed keys. */
static uint64_t
hash(uint32_t key)
{
    return (key % 8) * 0x10001;
}

static void *
read_table(void *arg)
{
    struct rng rng = {(uintptr_t)arg + 5};
    uint64_t found = 0;

    while (!dco_load(&stop)) {
        platform_enter(&platform);
        for (unsigned i = 0; i < 64; i++) {
            uint32_t key = rng_below(&rng, STABLE + CHANGING);
            struct item *item = dco_table_find(&table, hash(key), &key);

            if (item != NULL)
                CHECK(item->key == key && item->alive == ALIVE);
            else
                CHECK(key >= STABLE);
            found += item != NULL;
        }
        platform_leave(&platform);
    }
    dco_add(&found_all, found);
    return NULL;
}

static struct item *
item_new(uint32_t key)
{
    struct item *item = dco_env_alloc(&platform.env, sizeof(*item));

    item->key = key;
    item->alive = ALIVE;
    return item;
}

static void
item_end(struct dco_deferred *d)
{
    struct item *item = (struct item *)d; /* its first member */

    item->alive = 0;
    dco_env_free(&platform.env, item, sizeof(*item));
}

static void
take_out(struct item **place)
{
    struct item *item = *place;

    *place = NULL;
    CHECK(dco_table_del(&table, hash(item->key), item));
    dco_env_defer(&platform.env, &item->deferred);
}

/* Up to three objects per changing key, in front or behind. */
static void
write_table(void)
{
    struct rng rng = {1};
    struct item *there[CHANGING][3] = {{NULL}};
    unsigned rounds = test_rounds(40000);

    for (unsigned i = 0; i < rounds; i++) {
        uint32_t n = rng_below(&rng, CHANGING), key = STABLE + n;
        struct item **place = &there[n][rng_below(&rng, 3)];

        if (*place == NULL) {
            *place = item_new(key);
            CHECK_EQ(rng_chance(&rng, 50) ? dco_table_add(&table, hash(key), *place)
                                          : dco_table_add_behind(&table, hash(key), *place),
                     0);
        } else {
            take_out(place);
        }
        if (i % 200 == 0)
            platform_run_deferred(&platform);
    }
    for (unsigned n = 0; n < CHANGING; n++) {
        for (unsigned j = 0; j < 3; j++) {
            if (there[n][j] != NULL)
                take_out(&there[n][j]);
        }
    }
}

TEST("table, threads: readers beside a writer")
{
    pthread_t reader[READERS];
    struct item *stable[STABLE];

    platform_init(&platform, PLATFORM_GRACE);
    platform.end_own = item_end;
    dco_table_init(&table, &platform.env, match);
    for (uint32_t key = 0; key < STABLE; key++) {
        stable[key] = item_new(key);
        CHECK_EQ(dco_table_add(&table, hash(key), stable[key]), 0);
    }
    stop = 0;
    for (uintptr_t i = 0; i < READERS; i++)
        pthread_create(&reader[i], NULL, read_table, (void *)i);
    write_table();
    dco_store(&stop, 1);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(reader[i], NULL);
    CHECK(found_all > 0);
    for (uint32_t key = 0; key < STABLE; key++)
        item_end(&stable[key]->deferred);
    dco_table_fini(&table);
    platform_fini(&platform);
}
