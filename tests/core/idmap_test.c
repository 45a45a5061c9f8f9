/* SPDX-License-Identifier: BSD-2-Clause */
#include "idmap.h"

#include "harness.h"
#include "platform.h"

#define LAST 0xffffffU

static struct dco_idmap *
make(struct platform *platform)
{
    struct dco_idmap *map = malloc(sizeof(*map));

    platform_init(platform, PLATFORM_IMMEDIATE);
    dco_idmap_init(map, &platform->env);
    return map;
}

static void
end(struct platform *platform, struct dco_idmap *map)
{
    dco_idmap_fini(map);
    free(map);
    platform_fini(platform);
}

TEST("idmap: first, last and page edges")
{
    static const uint32_t id[] = {0, 1, 4095, 4096, 4097, 0x7fffff, 0x800000, LAST - 1, LAST};
    struct platform platform;
    struct dco_idmap *map = make(&platform);
    char object[sizeof(id) / sizeof(id[0])];

    CHECK(dco_idmap_next(map, 0) == NULL);
    CHECK(dco_idmap_get(map, 5) == NULL);
    for (size_t i = 0; i < sizeof(object); i++) {
        CHECK_EQ(dco_idmap_reserve(map, id[i]), 0);
        dco_idmap_set(map, id[i], &object[i]);
    }
    for (size_t i = 0; i < sizeof(object); i++)
        CHECK(dco_idmap_get(map, id[i]) == &object[i]);
    CHECK(dco_idmap_get(map, LAST + 1) == NULL);
    CHECK(dco_idmap_get(map, UINT32_MAX) == NULL);
    CHECK(dco_idmap_next(map, 2) == &object[2]);
    CHECK(dco_idmap_next(map, 4098) == &object[5]);
    CHECK(dco_idmap_next(map, LAST) == &object[8]);
    CHECK(dco_idmap_next(map, LAST + 1) == NULL);
    CHECK(dco_idmap_next(map, UINT32_MAX) == NULL);
    dco_idmap_set(map, LAST, NULL);
    CHECK(dco_idmap_get(map, LAST) == NULL);
    CHECK(dco_idmap_next(map, LAST) == NULL);
    end(&platform, map);
}

TEST("idmap: memory only where ids are")
{
    struct platform platform;
    struct dco_idmap *map = make(&platform);

    for (uint32_t id = 0; id <= LAST; id += 0x100000)
        CHECK_EQ(dco_idmap_reserve(map, id), 0);
    CHECK_EQ(platform.allocations, 16);
    for (uint32_t id = 0; id < 4096; id++)
        CHECK_EQ(dco_idmap_reserve(map, id), 0);
    CHECK_EQ(platform.allocations, 16);
    end(&platform, map);
}

TEST("idmap: without memory nothing changes")
{
    struct platform platform;
    struct dco_idmap *map = make(&platform);

    platform.fail_in = 0;
    CHECK_EQ(dco_idmap_reserve(map, 7), -ENOMEM);
    CHECK(dco_idmap_get(map, 7) == NULL);
    CHECK_EQ(dco_idmap_reserve(map, 7), 0);
    end(&platform, map);
}
