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

TEST("drop: an error of a send has one reason on every platform")
{
    static const struct {
        int err;
        enum dco_drop reason;
    } cases[] = {
        {EAGAIN, DCO_DROP_TX_NO_BUFFER},        {ENOBUFS, DCO_DROP_TX_NO_BUFFER},
        {ENOMEM, DCO_DROP_TX_NO_BUFFER},        {EHOSTUNREACH, DCO_DROP_TX_UNREACHABLE},
        {ENETUNREACH, DCO_DROP_TX_UNREACHABLE}, {EHOSTDOWN, DCO_DROP_TX_UNREACHABLE},
        {ENETDOWN, DCO_DROP_TX_UNREACHABLE},    {EADDRNOTAVAIL, DCO_DROP_TX_UNREACHABLE},
        {EMSGSIZE, DCO_DROP_TX_TOO_BIG},        {EPERM, DCO_DROP_TX_ERROR},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_EQ(dco_drop_of_send(cases[i].err), cases[i].reason);
}
