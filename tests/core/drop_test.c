/* SPDX-License-Identifier: BSD-2-Clause */
#include "drop.h"

#include "harness.h"

static bool
is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return n > 3 && name[n] == '\0' && (name[0] == 'r' || name[0] == 't') && name[1] == 'x' &&
           name[2] == '_';
}

TEST("drop: every reason has a name and a text")
{
    for (unsigned i = 0; i < DCO_DROP_COUNT; i++) {
        const char *name = dco_drop_name((enum dco_drop)i);
        const char *text = dco_drop_text((enum dco_drop)i);

        CHECK_THAT(name != NULL && is_name(name), "name of %u", i);
        CHECK_THAT(text != NULL && strlen(text) > 8, "text of %u", i);
    }
}

TEST("drop: no two reasons share either")
{
    for (unsigned i = 0; i < DCO_DROP_COUNT; i++) {
        for (unsigned j = 0; j < i; j++) {
            CHECK(strcmp(dco_drop_name((enum dco_drop)i), dco_drop_name((enum dco_drop)j)) != 0);
            CHECK(strcmp(dco_drop_text((enum dco_drop)i), dco_drop_text((enum dco_drop)j)) != 0);
        }
    }
}

TEST("drop: the value for no drop is harmless")
{
    CHECK(dco_drop_name(DCO_DROP_NONE) != NULL);
    CHECK(dco_drop_text(DCO_DROP_NONE) != NULL);
    CHECK(sizeof(struct dco_drops) == DCO_DROP_COUNT * sizeof(uint64_t));
}
