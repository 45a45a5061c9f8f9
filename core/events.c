/* SPDX-License-Identifier: BSD-2-Clause */
#include "events_private.h"
#include "peers_private.h"

void
dco_event_raise(struct dco_peers *p, struct dco_peer *peer, uint32_t kind)
{
    bool waiting = peer->events != 0;
    bool first = p->event_head == NULL;

    dco_lock_assert_held(&p->lock);
    peer->events |= kind;
    if (waiting)
        return;
    (void)dco_peer_get(peer); /* cannot fail: the tables hold a reference */
    peer->event_next = NULL;
    *p->event_tail = peer;
    p->event_tail = &peer->event_next;
    if (first)
        dco_env_wake(p->env);
}

static void
dequeue(struct dco_peers *p)
{
    struct dco_peer *peer = p->event_head;

    p->event_head = peer->event_next;
    if (p->event_head == NULL)
        p->event_tail = &p->event_head;
    peer->events = 0;
    dco_peer_put(peer);
}

void
dco_event_forget_all(struct dco_peers *p)
{
    dco_lock_assert_held(&p->lock);
    while (p->event_head != NULL)
        dequeue(p);
}

static uint32_t
first_kind(uint32_t events)
{
    if (events & DCO_EVENT_FLOAT)
        return DCO_EVENT_FLOAT;
    return events & DCO_EVENT_KEY_WANTED ? DCO_EVENT_KEY_WANTED : DCO_EVENT_DEL;
}

static void
describe(const struct dco_peer *peer, uint32_t kind, struct dco_event *event)
{
    struct dco_path path;

    memset(event, 0, sizeof(*event));
    event->kind = kind;
    event->peer_id = peer->id;
    dco_peer_path(peer, &path);
    switch (kind) {
    case DCO_EVENT_FLOAT:
        event->remote = path.remote;
        break;
    case DCO_EVENT_KEY_WANTED:
        event->key_id = peer->wanted_key_id;
        event->key_spent = peer->wanted_now;
        break;
    default:
        event->del_reason = peer->del_reason;
        event->remote = path.remote;
        event->origin = peer->origin;
        dco_peer_stats_read(peer, &event->stats);
        break;
    }
}

bool
dco_event_take(struct dco_peers *p, struct dco_event *event)
{
    struct dco_peer *peer;
    uint32_t kind;

    dco_lock_acquire(&p->lock);
    peer = p->event_head;
    if (peer != NULL) {
        kind = first_kind(peer->events);
        describe(peer, kind, event);
        peer->events &= ~kind;
        if (peer->events == 0)
            dequeue(p);
    }
    dco_lock_release(&p->lock);
    return peer != NULL;
}

bool
dco_events_waiting(struct dco_peers *p)
{
    bool waiting;

    dco_lock_acquire(&p->lock);
    waiting = p->event_head != NULL;
    dco_lock_release(&p->lock);
    return waiting;
}
