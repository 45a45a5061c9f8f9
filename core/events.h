/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of peers that openvpn must be told of. No event is ever lost: the queue is a list through
 * the peers themselves, and each peer has a bit per kind. dco_env_wake() says that the queue is no
 * longer empty. Any thread; both functions take the control lock.
 */
#ifndef DCO_EVENTS_H
#define DCO_EVENTS_H

#include "peers.h"

#define DCO_EVENT_DEL        1U /* removed; del_reason says why */
#define DCO_EVENT_FLOAT      2U /* authenticated packet from a new address */
#define DCO_EVENT_KEY_WANTED 4U /* a soft limit of the primary key was passed */

struct dco_event {
    uint32_t kind; /* one of DCO_EVENT_* */
    uint32_t peer_id;
    enum dco_del_reason del_reason; /* DCO_EVENT_DEL */
    struct dco_endpoint remote;     /* DCO_EVENT_FLOAT: the new address; DCO_EVENT_DEL: the last */
    struct dco_endpoint origin;     /* DCO_EVENT_DEL: the address under which openvpn knew it */
    bool key_spent;                 /* DCO_EVENT_KEY_WANTED: the key no longer encrypts */
    uint8_t key_id;                 /* DCO_EVENT_KEY_WANTED: the key to replace */
    struct dco_peer_stats stats;    /* DCO_EVENT_DEL: final counts */
};

/* Removes the oldest event from the queue; false if there is none. Events of one peer come in the
 * order float, key wanted, deleted; several floats in a row are one event. */
bool dco_event_take(struct dco_peers *p, struct dco_event *event);

/* Whether dco_event_take() would return an event now. */
bool dco_events_waiting(struct dco_peers *p);

#endif
