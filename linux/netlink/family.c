/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/family.h"

#include <string.h>

const struct nl_family *const nl_families[NL_FAMILIES] = {&nl_dco_v2, &nl_ovpn};

static bool
same(const char *ours, const char *name, size_t len)
{
    len = strnlen(name, len);
    return strlen(ours) == len && memcmp(ours, name, len) == 0;
}

const struct nl_family *
nl_family_by_name(const char *name, size_t len)
{
    for (unsigned i = 0; i < NL_FAMILIES; i++)
        if (same(nl_families[i]->name, name, len))
            return nl_families[i];
    return NULL;
}

const struct nl_family *
nl_family_by_kind(const char *kind, size_t len)
{
    for (unsigned i = 0; i < NL_FAMILIES; i++)
        if (same(nl_families[i]->link_kind, kind, len))
            return nl_families[i];
    return NULL;
}

const struct nl_family *
nl_family_by_id(uint16_t family_id)
{
    for (unsigned i = 0; i < NL_FAMILIES; i++)
        if (nl_families[i]->family_id == family_id)
            return nl_families[i];
    return NULL;
}

unsigned
nl_family_index(const struct nl_family *family)
{
    unsigned i = 0;

    while (i + 1 < NL_FAMILIES && nl_families[i] != family)
        i++;
    return i;
}

const struct nl_set *
nl_command_set(const struct nl_family *family, const struct nl_command *command)
{
    const struct nl_attr *a = family->top->attr;

    while (a->number != command->nest)
        a++;
    return a->nest;
}
