/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A netlink family as data. For each attribute the tables give its type and range, the messages
 * that may hold it, and its field in a struct nl_message. The validation and reading of requests,
 * the filling of replies and notifications (codec.h), docs/abi.md and the dictionary of the fuzzer
 * are derived from these tables.
 *
 * Messages are filled in the order of the rows. A number has several rows if it differs between
 * messages; at most one of them applies to each message.
 */
#ifndef DCO_NETLINK_SCHEMA_H
#define DCO_NETLINK_SCHEMA_H

#include <stddef.h>

#include "linux/netlink/message.h"

/* An integer has the length of its type. */
enum nl_type {
    NL_UNUSED, /* in no message */
    NL_U8,
    NL_U16,
    NL_U32,
    NL_U64,
    NL_UINT, /* 4 bytes if the value fits, else 8; in replies only */
    NL_BINARY,
    NL_NEST,
};

/* The type of the field. */
enum nl_form {
    NL_NUMBER,   /* struct nl_number */
    NL_ADDRESS,  /* struct dco_ip */
    NL_SOCKADDR, /* struct dco_endpoint, on the wire a sockaddr_in or sockaddr_in6 */
    NL_BYTES,    /* struct nl_bytes */
    NL_FIELDS,   /* struct nl_message or struct nl_direction, for a nest */
};

struct nl_attr {
    uint16_t number; /* 1 .. NL_NUMBER_MAX */
    const char *name;
    enum nl_type type;
    enum nl_form form;
    size_t offset;             /* of the field, in the struct of the set */
    uint32_t min, max;         /* integers: of the value; binary: of the length. max 0: no limit */
    uint32_t in;               /* NL_COMMAND() of each request that may hold it */
    uint32_t out;              /* NL_COMMAND() of each reply and notification that holds it */
    const struct nl_set *nest; /* NL_NEST: its attributes */
};

/* The attributes of one level. */
struct nl_set {
    const char *name;
    const struct nl_attr *attr;
    unsigned n;
};

#define NL_NUMBER_MAX 24U /* the largest attribute number of all sets */

#define NL_COMMAND(number) (UINT32_C(1) << (number))

/* Parts of a row. The form follows from the type of the field. */
#define NL_FIELD_OF(container, field)                                                              \
    .form = _Generic(((container *)NULL)->field, struct nl_number                                  \
                     : NL_NUMBER, struct dco_ip                                                    \
                     : NL_ADDRESS, struct dco_endpoint                                             \
                     : NL_SOCKADDR, struct nl_bytes                                                \
                     : NL_BYTES, struct nl_direction                                               \
                     : NL_FIELDS),                                                                 \
    .offset = offsetof(container, field)
#define NL_FIELD(field) NL_FIELD_OF(struct nl_message, field)
/* A nest whose set fills fields of the same struct. */
#define NL_SAME(set)     .form = NL_FIELDS, .offset = 0, .nest = &(set)
#define NL_LENGTH(bytes) .min = (bytes), .max = (bytes)

#define NL_SET(title, rows)                                                                        \
    {                                                                                              \
        .name = (title), .attr = (rows), .n = sizeof(rows) / sizeof((rows)[0])                     \
    }

#endif
