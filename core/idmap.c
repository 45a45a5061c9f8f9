/* SPDX-License-Identifier: BSD-2-Clause */
#include "idmap.h"

#include "atomic.h"

#define LOW_MASK   (DCO_IDMAP_PAGE - 1)
#define PAGE_BYTES (DCO_IDMAP_PAGE * sizeof(void *))

void
dco_idmap_init(struct dco_idmap *map, const struct dco_env *env)
{
    memset(map, 0, sizeof(*map));
    map->env = env;
}

void
dco_idmap_fini(struct dco_idmap *map)
{
    for (uint32_t i = 0; i < DCO_IDMAP_PAGE; i++) {
        if (map->page[i] != NULL)
            dco_env_free(map->env, map->page[i], PAGE_BYTES);
        map->page[i] = NULL;
    }
}

void *
dco_idmap_get(const struct dco_idmap *map, uint32_t id)
{
    void **page;

    if (id >> DCO_IDMAP_BITS >= DCO_IDMAP_PAGE)
        return NULL;
    page = dco_load_acquire(&map->page[id >> DCO_IDMAP_BITS]);
    return page != NULL ? dco_load_acquire(&page[id & LOW_MASK]) : NULL;
}

int
dco_idmap_reserve(struct dco_idmap *map, uint32_t id)
{
    void **page;

    if (map->page[id >> DCO_IDMAP_BITS] != NULL)
        return 0;
    page = dco_env_alloc(map->env, PAGE_BYTES);
    if (page == NULL)
        return -ENOMEM;
    dco_store_release(&map->page[id >> DCO_IDMAP_BITS], page);
    return 0;
}

void
dco_idmap_set(struct dco_idmap *map, uint32_t id, void *object)
{
    dco_store_release(&map->page[id >> DCO_IDMAP_BITS][id & LOW_MASK], object);
}

void *
dco_idmap_next(const struct dco_idmap *map, uint32_t from)
{
    uint32_t low = from & LOW_MASK;

    for (uint32_t high = from >> DCO_IDMAP_BITS; high < DCO_IDMAP_PAGE; high++, low = 0) {
        void **page = dco_load_acquire(&map->page[high]), *object;

        for (; page != NULL && low < DCO_IDMAP_PAGE; low++) {
            object = dco_load_acquire(&page[low]);
            if (object != NULL)
                return object;
        }
    }
    return NULL;
}
