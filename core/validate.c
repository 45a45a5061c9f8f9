/* SPDX-License-Identifier: BSD-2-Clause */
#include "validate.h"

#include "events_private.h"
#include "keys_private.h"
#include "peers_private.h"
#include "timers_private.h"

/* Numbers of entries that the tables must hold, counted over all peers. */
struct tally {
    uint32_t peers, vpn, remotes;
    uint32_t waiting; /* linked peers with an event */
};

static const char *
check_key(const struct dco_peers *p, struct dco_key *key)
{
    const char *wrong;

    if (key == NULL)
        return NULL;
    if (key->serial == 0 || key->serial > p->key_serial)
        return "a key has a serial that was not given out";
    dco_lock_acquire(&key->replay_lock);
    wrong = dco_key_validate(key);
    dco_lock_release(&key->replay_lock);
    return wrong;
}

static const char *
check_keys(const struct dco_peers *p, const struct dco_peer *peer)
{
    const char *wrong = check_key(p, peer->slot[0]);

    if (peer->primary > 1)
        return "a peer has no such primary slot";
    if (peer->slot[0] != NULL && peer->slot[0] == peer->slot[1])
        return "a key is in both slots";
    if ((peer->retired != NULL) != (peer->retired_end_ns != UINT64_MAX))
        return "a peer has a retired key without an end, or an end without a key";
    if (peer->retired != NULL && (peer->retired == peer->slot[0] || peer->retired == peer->slot[1]))
        return "a retired key is in a slot";
    if (wrong == NULL)
        wrong = check_key(p, peer->slot[1]);
    return wrong != NULL ? wrong : check_key(p, peer->retired);
}

static bool
vpn_found(const struct dco_peers *p, const struct dco_peer *peer, const struct dco_ip *ip,
          struct tally *tally)
{
    if (ip->family == 0)
        return true;
    tally->vpn++;
    return dco_table_has(&p->by_vpn, dco_peers_hash_ip(p, ip), peer);
}

/* Every table leads to the peer. */
static const char *
check_tables(const struct dco_peers *p, const struct dco_peer *peer, struct tally *tally)
{
    struct dco_path path;

    if (dco_idmap_get(&p->by_id, peer->id) != peer)
        return "a peer is not found by its id";
    if (p->mode == DCO_MODE_P2P && p->only != peer)
        return "a peer is not the only one";
    if (!vpn_found(p, peer, &peer->vpn4, tally) || !vpn_found(p, peer, &peer->vpn6, tally))
        return "a peer is not found by its VPN address";
    dco_peer_path(peer, &path);
    if (path.remote.ip.family == 0)
        return NULL;
    tally->remotes++;
    if (!dco_table_has(&p->by_remote, dco_peers_hash_remote(p, &path.remote), peer))
        return "a peer is not found by its remote address";
    return NULL;
}

static const char *
check_peer(const struct dco_peers *p, const struct dco_peer *peer, struct tally *tally)
{
    uint64_t at = dco_timers_next(peer);
    const char *wrong;

    if (peer->peers != p || peer->env != p->env)
        return "a peer is in the list of another set";
    if (peer->dead || dco_load(&peer->refs) == 0)
        return "a peer in sight is on its way out";
    if ((peer->events & DCO_EVENT_DEL) != 0)
        return "a peer in sight is reported as removed";
    if (at != UINT64_MAX && p->tick_ns > at + DCO_TIMER_GRAIN_NS)
        return "the timers look too late for a peer";
    tally->peers++;
    tally->waiting += peer->events != 0;
    wrong = check_tables(p, peer, tally);
    return wrong != NULL ? wrong : check_keys(p, peer);
}

static const char *
check_all_peers(const struct dco_peers *p, struct tally *tally)
{
    struct dco_peer *const *link = &p->all;

    for (const struct dco_peer *peer = p->all; peer != NULL; peer = peer->next) {
        const char *wrong = check_peer(p, peer, tally);

        if (wrong != NULL)
            return wrong;
        if (peer->prev != link)
            return "the list of peers is torn";
        link = &peer->next;
    }
    return NULL;
}

/* No table leads to a peer that is not in the list. */
static const char *
check_counts(const struct dco_peers *p, const struct tally *tally)
{
    const struct dco_peer *peer;
    uint32_t found = 0;

    if (tally->peers != p->count)
        return "the number of peers is wrong";
    if (p->mode == DCO_MODE_P2P && (p->count > 1 || (p->count == 0 && p->only != NULL)))
        return "the only peer is not the only one";
    for (uint32_t id = 0; (peer = dco_idmap_next(&p->by_id, id)) != NULL; id = peer->id + 1) {
        if (peer->id < id)
            return "a peer is found by another id";
        found++;
    }
    if (found != p->count)
        return "the ids find another number of peers";
    if (dco_table_count(&p->by_vpn) != tally->vpn)
        return "the VPN addresses find another number of peers";
    if (dco_table_count(&p->by_remote) != tally->remotes)
        return "the remote addresses find another number of peers";
    return NULL;
}

static const char *
check_events(const struct dco_peers *p, const struct tally *tally)
{
    struct dco_peer *const *link = &p->event_head;
    uint32_t waiting = 0;

    for (const struct dco_peer *peer = p->event_head; peer != NULL; peer = peer->event_next) {
        if (peer->events == 0)
            return "a peer without an event waits in the queue";
        if (peer->dead != ((peer->events & DCO_EVENT_DEL) != 0))
            return "a removed peer waits in the queue without that event";
        if (dco_load(&peer->refs) == 0)
            return "the queue has no reference to its peer";
        waiting += !peer->dead;
        link = &peer->event_next;
    }
    if (p->event_tail != link)
        return "the end of the queue is elsewhere";
    return waiting == tally->waiting ? NULL : "an event waits outside of the queue";
}

static const char *
check_set(const struct dco_peers *p)
{
    struct tally tally = {0, 0, 0, 0};
    const char *wrong = check_all_peers(p, &tally);

    if (wrong == NULL)
        wrong = check_counts(p, &tally);
    if (wrong == NULL)
        wrong = check_events(p, &tally);
    if (wrong == NULL)
        wrong = dco_table_validate(&p->by_vpn);
    if (wrong == NULL)
        wrong = dco_table_validate(&p->by_remote);
    return wrong;
}

const char *
dco_peers_validate(struct dco_peers *p)
{
    const char *wrong;

    dco_lock_acquire(&p->lock);
    wrong = check_set(p);
    dco_lock_release(&p->lock);
    return wrong;
}
