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

static void
complete(void)
{
    for (unsigned i = 0; i < DCO_DROP_COUNT; i++) {
        const char *name = dco_drop_name((enum dco_drop)i);
        const char *text = dco_drop_text((enum dco_drop)i);

        harness_check(name != NULL && is_name(name), __FILE__, __LINE__, "name of %u", i);
        harness_check(text != NULL && strlen(text) > 8, __FILE__, __LINE__, "text of %u", i);
    }
}

static void
distinct(void)
{
    for (unsigned i = 0; i < DCO_DROP_COUNT; i++) {
        for (unsigned j = 0; j < i; j++) {
            check(strcmp(dco_drop_name((enum dco_drop)i), dco_drop_name((enum dco_drop)j)) != 0);
            check(strcmp(dco_drop_text((enum dco_drop)i), dco_drop_text((enum dco_drop)j)) != 0);
        }
    }
}

static void
beyond(void)
{
    check(dco_drop_name(DCO_DROP_NONE) != NULL);
    check(dco_drop_text(DCO_DROP_NONE) != NULL);
    check(sizeof(struct dco_drops) == DCO_DROP_COUNT * sizeof(uint64_t));
}

static const struct test tests[] = {
    {"drop: every reason has a name and a text", complete},
    {"drop: no two reasons share either", distinct},
    {"drop: the value for no drop is harmless", beyond},
};
HARNESS_MAIN(tests)
