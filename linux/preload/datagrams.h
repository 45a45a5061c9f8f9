/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of datagrams that wait for their reader, oldest first. The caller serialises. */
#ifndef DCO_PRELOAD_DATAGRAMS_H
#define DCO_PRELOAD_DATAGRAMS_H

#include <stddef.h>
#include <stdint.h>

struct datagram {
    struct datagram *next;
    size_t len;
    uint8_t data[] __attribute__((aligned(8)));
};

struct datagrams {
    struct datagram *head, **tail;
};

void datagrams_init(struct datagrams *l);
void datagrams_add(struct datagrams *l, struct datagram *dg);

/* A copy of data at the end; without memory it is lost, and the log says so. */
void datagrams_copy(struct datagrams *l, const void *data, size_t len);

/* The oldest, the caller's to free(); NULL if there is none. */
struct datagram *datagrams_take(struct datagrams *l);

/* Moves everything of from behind what is in to. */
void datagrams_move(struct datagrams *to, struct datagrams *from);

/* Frees all; the list is empty then. */
void datagrams_free(struct datagrams *l);

#endif
