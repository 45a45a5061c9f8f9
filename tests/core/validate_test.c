/* SPDX-License-Identifier: BSD-2-Clause */
/* What is broken on purpose is found: a self-check that finds nothing guards nothing. */
#include "validate.h"

#include "device.h"

static struct dco_peer *peer; /* of three, the one in the middle; with a key and an event */
static struct dco_key *key;

static void
count(bool broken)
{
    p->count += broken ? 1 : -1U;
}

static void
id(bool broken)
{
    dco_idmap_set(&p->by_id, 2, broken ? NULL : peer);
}

static void
vpn_address(bool broken)
{
    peer->vpn4 = ip4(10, 8, 0, broken ? 77 : 2);
}

static void
remote_address(bool broken)
{
    struct dco_path path = path4(broken ? 77 : 2, 1000);

    dco_lock_acquire(&p->lock);
    dco_peer_set_path(peer, &path);
    dco_lock_release(&p->lock);
}

static void
list(bool broken)
{
    struct dco_peer *newest = p->all;

    peer->prev = broken ? &p->all : &newest->next;
}

static void
queue(bool broken)
{
    peer->events = broken ? 0 : DCO_EVENT_KEY_WANTED;
}

static void
queue_end(bool broken)
{
    p->event_tail = broken ? &p->event_head : &peer->event_next;
}

static void
timers(bool broken)
{
    static uint64_t was;

    was = broken ? p->tick_ns : was;
    p->tick_ns = broken ? 1000 * SECOND : was;
}

static void
slots(bool broken)
{
    peer->slot[1] = broken ? key : NULL;
}

static void
packet_ids(bool broken)
{
    key->tx_sent = broken ? 2 : 1;
}

static void
replay(bool broken)
{
    key->replay.floor = broken ? 1 : 0;
}

static void
dead(bool broken)
{
    peer->dead = broken;
}

static void
begin_three(void)
{
    begin(DCO_MODE_MP);
    for (uint32_t n = 1; n <= 3; n++)
        add(n, SECOND);
    peer = dco_peers_by_id(p, 2);
    CHECK_EQ(dco_control_peer_set(p, 2, 10, 60, SECOND), 0);
    CHECK_EQ(key_install(&platform, p, 2, DCO_SLOT_PRIMARY, 0, 1, SECOND), 0);
    key = dco_peer_key_tx(peer);
    CHECK(dco_key_lost(key));
    dco_peers_want_key(p, peer);
}

TEST("validate: everything that is broken is found")
{
    static void (*const breaks[])(bool broken) = {
        count,     id,     vpn_address, remote_address, list,   queue,
        queue_end, timers, slots,       packet_ids,     replay, dead,
    };

    begin_three();
    for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
        CHECK(dco_peers_validate(p) == NULL);
        breaks[i](true);
        CHECK_THAT(dco_peers_validate(p) != NULL, "break %zu", i);
        breaks[i](false);
    }
    end();
}
