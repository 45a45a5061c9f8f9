/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of netlink datagrams, oldest first. The caller serialises the calls. */
#ifndef DCO_NETLINK_DATAGRAMS_H
#define DCO_NETLINK_DATAGRAMS_H

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

/* Adds a copy of data. Without memory the datagram is lost, and a line in the log says so. */
void datagrams_copy(struct datagrams *l, const void *data, size_t len);

/* The same in the form of netlink_sink.emit; arg is a struct datagrams. */
void datagrams_emit(void *arg, const void *data, size_t len);

/* Removes the oldest datagram and returns it, or NULL. The caller frees it with free(). */
struct datagram *datagrams_take(struct datagrams *l);

/* Moves all datagrams to the end of `to`. */
void datagrams_move(struct datagrams *to, struct datagrams *from);

/* Frees all datagrams and leaves an empty list. */
void datagrams_free(struct datagrams *l);

#endif
