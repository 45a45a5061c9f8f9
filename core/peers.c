/* SPDX-License-Identifier: BSD-2-Clause */
#include "events_private.h"
#include "keys_private.h"
#include "peers_private.h"

#define FLOAT_INTERVAL_NS 10000000ULL /* between two changes of one peer's path */

static bool
match_vpn(const void *object, const void *key)
{
    const struct dco_peer *peer = object;

    return dco_ip_equal(&peer->vpn4, key) || dco_ip_equal(&peer->vpn6, key);
}

static bool
match_remote(const void *object, const void *key)
{
    struct dco_path path;

    dco_peer_path(object, &path);
    return dco_endpoint_equal(&path.remote, key);
}

size_t
dco_peers_size(void)
{
    return sizeof(struct dco_peers);
}

void
dco_peers_init(struct dco_peers *p, const struct dco_env *env, enum dco_mode mode,
               const struct dco_siphash_key *secret)
{
    memset(p, 0, sizeof(*p));
    p->env = env;
    p->mode = mode;
    p->secret = *secret;
    dco_lock_init(&p->lock);
    dco_idmap_init(&p->by_id, env);
    dco_table_init(&p->by_vpn, env, match_vpn);
    dco_table_init(&p->by_remote, env, match_remote);
    p->event_tail = &p->event_head;
    p->tick_ns = UINT64_MAX;
}

/* Lookups */

enum dco_mode
dco_peers_mode(const struct dco_peers *p)
{
    return p->mode;
}

uint32_t
dco_peers_count(const struct dco_peers *p)
{
    return dco_load(&p->count);
}

struct dco_peer *
dco_peers_by_id(const struct dco_peers *p, uint32_t id)
{
    return dco_idmap_get(&p->by_id, id);
}

struct dco_peer *
dco_peers_next(const struct dco_peers *p, uint32_t from)
{
    return dco_idmap_next(&p->by_id, from);
}

static struct dco_peer *
by_vpn(const struct dco_peers *p, const struct dco_ip *ip)
{
    return dco_table_find(&p->by_vpn, dco_peers_hash_ip(p, ip), ip);
}

bool
dco_peers_own(struct dco_peers *p, const struct dco_ip *ip)
{
    bool own;

    dco_lock_acquire(&p->lock);
    own = by_vpn(p, ip) != NULL;
    dco_lock_release(&p->lock);
    return own;
}

static void *
pick_peer(const void *peers, const struct dco_ip *gateway)
{
    return by_vpn(peers, gateway);
}

struct dco_peer *
dco_peers_by_iroute(const struct dco_peers *p, const struct dco_ip *dst)
{
    struct dco_peer *peer = by_vpn(p, dst);

    if (peer == NULL)
        peer = dco_routes_find(dco_load_acquire(&p->iroutes), dst, pick_peer, p);
    return peer;
}

struct dco_peer *
dco_peers_by_dest(const struct dco_peers *p, const struct dco_ip *dst)
{
    struct dco_peer *peer;

    if (p->mode == DCO_MODE_P2P)
        return dco_load_acquire(&p->only);
    peer = dco_peers_by_iroute(p, dst);
    if (peer == NULL)
        peer = dco_routes_find(dco_load_acquire(&p->routes), dst, pick_peer, p);
    return peer;
}

struct dco_peer *
dco_peers_by_remote(const struct dco_peers *p, const struct dco_endpoint *remote)
{
    struct dco_endpoint canon = dco_endpoint_canon(remote);

    return dco_table_find(&p->by_remote, dco_peers_hash_remote(p, &canon), &canon);
}

bool
dco_peers_source_ok(const struct dco_peers *p, const struct dco_peer *peer,
                    const struct dco_ip *src)
{
    return dco_peers_by_dest(p, src) == peer;
}

unsigned
dco_peers_select(struct dco_peers *p, bool (*pick)(struct dco_peer *peer, void *arg), void *arg,
                 struct dco_peer **out, unsigned max)
{
    unsigned n = 0;

    dco_lock_acquire(&p->lock);
    for (struct dco_peer *peer = p->all; peer != NULL && n < max; peer = peer->next) {
        if (pick(peer, arg) && dco_peer_get(peer))
            out[n++] = peer;
    }
    dco_lock_release(&p->lock);
    return n;
}

uint64_t
dco_peers_moved_ns(const struct dco_peer *peer)
{
    dco_lock_assert_held(&peer->peers->lock);
    return peer->last_float_ns;
}

/* Coming and going */

static bool
vpn_taken(const struct dco_peers *p, const struct dco_peer *peer)
{
    return (peer->vpn4.family != 0 && by_vpn(p, &peer->vpn4) != NULL) ||
           (peer->vpn6.family != 0 && by_vpn(p, &peer->vpn6) != NULL);
}

static int
make_room(struct dco_peers *p, uint32_t id)
{
    int err = dco_idmap_reserve(&p->by_id, id);

    if (err == 0)
        err = dco_table_reserve(&p->by_vpn, 2);
    if (err == 0)
        err = dco_table_reserve(&p->by_remote, 1);
    return err;
}

/* There is room. */
static void
link_peer(struct dco_peers *p, struct dco_peer *peer)
{
    struct dco_path path;

    dco_lock_assert_held(&p->lock);
    peer->next = p->all;
    peer->prev = &p->all;
    if (p->all != NULL)
        p->all->prev = &peer->next;
    p->all = peer;
    dco_store(&p->count, p->count + 1);

    dco_peer_path(peer, &path);
    if (path.remote.ip.family != 0)
        (void)dco_table_add(&p->by_remote, dco_peers_hash_remote(p, &path.remote), peer);
    if (peer->vpn4.family != 0)
        (void)dco_table_add(&p->by_vpn, dco_peers_hash_ip(p, &peer->vpn4), peer);
    if (peer->vpn6.family != 0)
        (void)dco_table_add(&p->by_vpn, dco_peers_hash_ip(p, &peer->vpn6), peer);
    dco_idmap_set(&p->by_id, peer->id, peer);
    if (p->mode == DCO_MODE_P2P)
        dco_store_release(&p->only, peer);
}

static void
unlink_peer(struct dco_peers *p, struct dco_peer *peer)
{
    struct dco_path path;

    dco_lock_assert_held(&p->lock);
    if (p->mode == DCO_MODE_P2P)
        dco_store_release(&p->only, (struct dco_peer *)NULL);
    dco_idmap_set(&p->by_id, peer->id, NULL);
    if (peer->vpn4.family != 0)
        dco_table_del(&p->by_vpn, dco_peers_hash_ip(p, &peer->vpn4), peer);
    if (peer->vpn6.family != 0)
        dco_table_del(&p->by_vpn, dco_peers_hash_ip(p, &peer->vpn6), peer);
    dco_peer_path(peer, &path);
    if (path.remote.ip.family != 0)
        dco_table_del(&p->by_remote, dco_peers_hash_remote(p, &path.remote), peer);

    *peer->prev = peer->next;
    if (peer->next != NULL)
        peer->next->prev = peer->prev;
    dco_store(&p->count, p->count - 1);
    peer->dead = true;
    dco_peer_end_keys(peer);
}

int
dco_peers_admit(struct dco_peers *p, struct dco_peer *peer, bool share_vpn)
{
    int err;

    dco_lock_assert_held(&p->lock);
    if (p->mode == DCO_MODE_MP) {
        if (dco_peers_by_id(p, peer->id) != NULL)
            return -EEXIST;
        if (!share_vpn && vpn_taken(p, peer))
            return -EADDRINUSE;
    }
    err = make_room(p, peer->id);
    if (err != 0)
        return err;
    if (p->mode == DCO_MODE_P2P && p->only != NULL)
        dco_peers_remove(p, p->only, DCO_DEL_TEARDOWN);
    link_peer(p, peer);
    return 0;
}

void
dco_peers_remove(struct dco_peers *p, struct dco_peer *peer, enum dco_del_reason reason)
{
    unlink_peer(p, peer);
    peer->del_reason = reason;
    dco_event_raise(p, peer, DCO_EVENT_DEL);
    dco_peer_put(peer);
}

void
dco_peers_fini(struct dco_peers *p)
{
    struct dco_peer *peer;

    dco_lock_acquire(&p->lock);
    while ((peer = p->all) != NULL) {
        unlink_peer(p, peer);
        dco_peer_put(peer);
    }
    dco_event_forget_all(p);
    dco_lock_release(&p->lock);
    dco_table_fini(&p->by_vpn);
    dco_table_fini(&p->by_remote);
    dco_idmap_fini(&p->by_id);
    dco_routes_free(p->iroutes);
    dco_routes_free(p->routes);
    p->iroutes = NULL;
    p->routes = NULL;
    dco_lock_fini(&p->lock);
    dco_wipe(&p->secret, sizeof(p->secret));
    dco_wipe(p->fingerprints, sizeof(p->fingerprints));
}

/* Changes */

void
dco_peers_set_iroutes(struct dco_peers *p, struct dco_routes *iroutes)
{
    dco_routes_publish(p->env, &p->iroutes, iroutes);
}

void
dco_peers_set_routes(struct dco_peers *p, struct dco_routes *routes)
{
    dco_routes_publish(p->env, &p->routes, routes);
}

/* What the peer's path becomes, or false if it stays. */
static bool
path_change(const struct dco_path *now, const struct dco_path *seen, struct dco_path *next)
{
    *next = *seen;
    if (now->remote.ip.family == 0 || seen->remote.ip.family == 0)
        return false;
    if (seen->local.family == 0 && now->local.family == seen->remote.ip.family)
        next->local = now->local;
    return memcmp(now, next, sizeof(*next)) != 0;
}

/* False if the new address could not be hashed. */
static bool
rehash(struct dco_peers *p, struct dco_peer *peer, const struct dco_path *from,
       const struct dco_path *to)
{
    if (dco_table_add_behind(&p->by_remote, dco_peers_hash_remote(p, &to->remote), peer) != 0)
        return false;
    dco_peer_set_path(peer, to);
    dco_table_del(&p->by_remote, dco_peers_hash_remote(p, &from->remote), peer);
    return true;
}

static bool
change_path(struct dco_peers *p, struct dco_peer *peer, const struct dco_path *seen,
            uint64_t now_ns)
{
    struct dco_path now, next;

    dco_lock_assert_held(&p->lock);
    if (peer->dead ||
        (peer->last_float_ns != 0 && now_ns < peer->last_float_ns + FLOAT_INTERVAL_NS))
        return false;
    dco_peer_path(peer, &now);
    if (!path_change(&now, seen, &next))
        return false;
    if (dco_endpoint_equal(&now.remote, &next.remote)) {
        dco_peer_set_path(peer, &next);
        peer->last_float_ns = now_ns;
        return false;
    }
    if (!rehash(p, peer, &now, &next))
        return false;
    peer->last_float_ns = now_ns;
    dco_event_raise(p, peer, DCO_EVENT_FLOAT);
    return true;
}

bool
dco_peers_seen_from(struct dco_peers *p, struct dco_peer *peer, const struct dco_path *path,
                    uint64_t now_ns)
{
    struct dco_path seen = dco_path_canon(path);
    struct dco_path now, next;
    bool floated;

    /* Without the lock, for all packets that change nothing. Another thread may change the path
     * meanwhile: then change_path() finds out, or the next packet does. */
    dco_peer_path(peer, &now);
    if (!path_change(&now, &seen, &next))
        return false;
    dco_lock_acquire(&p->lock);
    floated = change_path(p, peer, &seen, now_ns);
    dco_lock_release(&p->lock);
    return floated;
}

void
dco_peers_want_key(struct dco_peers *p, struct dco_peer *peer)
{
    struct dco_key *key;

    dco_lock_acquire(&p->lock);
    key = dco_peer_slot(peer, DCO_SLOT_PRIMARY);
    if (key != NULL && dco_load(&key->wanted) != 0) {
        peer->wanted_key_id = key->key_id;
        peer->wanted_now = (dco_load(&key->wanted) & DCO_KEY_WANTED_NOW) != 0;
        dco_event_raise(p, peer, DCO_EVENT_KEY_WANTED);
    }
    dco_lock_release(&p->lock);
}
