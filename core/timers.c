/* SPDX-License-Identifier: BSD-2-Clause */
#include "peers_private.h"
#include "timers_private.h"

static uint64_t
later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* UINT64_MAX: never. */
static uint64_t
expires_at(const struct dco_peer *peer)
{
    if (peer->timeout_ns == 0)
        return UINT64_MAX;
    return later(dco_load(&peer->last_rx_ns), peer->timers_ns) + peer->timeout_ns;
}

/* UINT64_MAX: never. A peer without a key to encrypt with sends no keepalives. */
static uint64_t
keepalive_at(const struct dco_peer *peer)
{
    if (peer->interval_ns == 0 || dco_peer_key_tx(peer) == NULL)
        return UINT64_MAX;
    return later(dco_load(&peer->last_tx_ns), peer->timers_ns) + peer->interval_ns;
}

uint64_t
dco_timers_next(const struct dco_peer *peer)
{
    return sooner(sooner(expires_at(peer), keepalive_at(peer)), peer->retired_end_ns);
}

void
dco_timers_changed(struct dco_peers *p, const struct dco_peer *peer)
{
    dco_lock_assert_held(&p->lock);
    p->tick_ns = sooner(p->tick_ns, dco_timers_next(peer));
}

/* Sets tick_ns to the earliest remaining deadline. */
static unsigned
visit_all(struct dco_peers *p, uint64_t now_ns, struct dco_peer **due, unsigned max)
{
    struct dco_peer *peer, *following;
    unsigned n = 0;

    dco_lock_assert_held(&p->lock);
    p->tick_ns = UINT64_MAX;
    for (peer = p->all; peer != NULL; peer = following) {
        following = peer->next;
        if (expires_at(peer) <= now_ns) {
            dco_peers_remove(p, peer, DCO_DEL_EXPIRED);
            continue;
        }
        if (peer->retired_end_ns <= now_ns)
            dco_peer_end_retired(peer);
        if (n < max && keepalive_at(peer) <= now_ns) {
            dco_store(&peer->last_tx_ns, now_ns);
            (void)dco_peer_get(peer);
            due[n++] = peer;
        }
        dco_timers_changed(p, peer);
    }
    return n;
}

unsigned
dco_peers_tick(struct dco_peers *p, uint64_t now_ns, struct dco_peer **due, unsigned max,
               uint64_t *next_ns)
{
    unsigned n = 0;

    dco_lock_acquire(&p->lock);
    if (p->tick_ns <= now_ns) {
        n = visit_all(p, now_ns, due, max);
        /* If due[] is full there may be more: the next call visits all again. */
        p->tick_ns = n < max ? later(p->tick_ns, now_ns + DCO_TIMER_GRAIN_NS) : now_ns;
    }
    *next_ns = p->tick_ns;
    dco_lock_release(&p->lock);
    return n;
}
