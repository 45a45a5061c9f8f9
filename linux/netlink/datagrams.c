/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/datagrams.h"

#include <stdlib.h>
#include <string.h>

#include "linux/sys/log.h"

void
datagrams_init(struct datagrams *l)
{
    l->head = NULL;
    l->tail = &l->head;
}

void
datagrams_add(struct datagrams *l, struct datagram *dg)
{
    dg->next = NULL;
    *l->tail = dg;
    l->tail = &dg->next;
}

void
datagrams_copy(struct datagrams *l, const void *data, size_t len)
{
    struct datagram *dg = malloc(sizeof(*dg) + len);

    if (dg == NULL) {
        log_line(LOG_LEVEL_ERROR, "out of memory: openvpn does not get a netlink answer");
        return;
    }
    dg->len = len;
    memcpy(dg->data, data, len);
    datagrams_add(l, dg);
}

void
datagrams_emit(void *arg, const void *data, size_t len)
{
    datagrams_copy(arg, data, len);
}

struct datagram *
datagrams_take(struct datagrams *l)
{
    struct datagram *dg = l->head;

    if (dg == NULL)
        return NULL;
    l->head = dg->next;
    if (l->head == NULL)
        l->tail = &l->head;
    return dg;
}

void
datagrams_move(struct datagrams *to, struct datagrams *from)
{
    if (from->head == NULL)
        return;
    *to->tail = from->head;
    to->tail = from->tail;
    datagrams_init(from);
}

void
datagrams_free(struct datagrams *l)
{
    struct datagram *dg;

    while ((dg = datagrams_take(l)) != NULL)
        free(dg);
}
