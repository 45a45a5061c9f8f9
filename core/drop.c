/* SPDX-License-Identifier: BSD-2-Clause */
#include "drop.h"

static const char *const names[DCO_DROP_COUNT] = {
#define NAME(symbol, name, text) [DCO_DROP_##symbol] = name,
    DCO_DROP_LIST(NAME)
#undef NAME
};

static const char *const texts[DCO_DROP_COUNT] = {
#define TEXT(symbol, name, text) [DCO_DROP_##symbol] = text,
    DCO_DROP_LIST(TEXT)
#undef TEXT
};

const char *
dco_drop_name(enum dco_drop reason)
{
    return (unsigned)reason < DCO_DROP_COUNT ? names[reason] : "none";
}

const char *
dco_drop_text(enum dco_drop reason)
{
    return (unsigned)reason < DCO_DROP_COUNT ? texts[reason] : "not dropped";
}

enum dco_drop
dco_drop_of_send(int err)
{
    switch (err) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
        return DCO_DROP_TX_NO_BUFFER;
    case EADDRNOTAVAIL:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
        return DCO_DROP_TX_UNREACHABLE;
    case EMSGSIZE:
        return DCO_DROP_TX_TOO_BIG;
    default:
        return DCO_DROP_TX_ERROR;
    }
}
