/* SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include "keys_private.h"
#include "peers_private.h"
#include "timers_private.h"

#define NS_PER_S 1000000000ULL

/* Returns the peer with the control lock held, or NULL without it. */
static struct dco_peer *
lock_peer(struct dco_peers *p, uint32_t id)
{
    struct dco_peer *peer;

    dco_lock_acquire(&p->lock);
    peer = dco_peers_by_id(p, id);
    if (peer == NULL)
        dco_lock_release(&p->lock);
    return peer;
}

static bool
path_valid(const struct dco_path *path)
{
    struct dco_path canon = dco_path_canon(path);

    if (path->remote.ip.family != 0 && canon.remote.ip.family == 0)
        return false;
    return path->local.family == 0 || dco_ip_unmap(path->local).family == canon.remote.ip.family;
}

bool
dco_control_peer_valid(const struct dco_peers *p, const struct dco_peer_new *req)
{
    if (req->id >= DCO_PEER_ID_UNDEF || req->tx_id > DCO_PEER_ID_MAX || !path_valid(&req->path))
        return false;
    if (p->mode == DCO_MODE_P2P)
        return true;
    if ((req->vpn4.family != 0 && req->vpn4.family != 4) ||
        (req->vpn6.family != 0 && req->vpn6.family != 6))
        return false;
    return !dco_ip_is_any(&req->vpn4) || !dco_ip_is_any(&req->vpn6);
}

int
dco_control_peer_new(struct dco_peers *p, const struct dco_peer_new *req, uint64_t now_ns)
{
    struct dco_peer *peer;
    int err;

    if (!dco_control_peer_valid(p, req))
        return -EINVAL;
    peer = dco_peer_new(p, req, now_ns);
    if (peer == NULL)
        return -ENOMEM;
    dco_lock_acquire(&p->lock);
    err = dco_peers_admit(p, peer, req->share_vpn);
    dco_lock_release(&p->lock);
    if (err != 0)
        dco_peer_abandon(peer);
    return err;
}

int
dco_control_peer_set(struct dco_peers *p, uint32_t id, uint32_t interval_s, uint32_t timeout_s,
                     uint64_t now_ns)
{
    struct dco_peer *peer = lock_peer(p, id);

    if (peer == NULL)
        return -ENOENT;
    if (interval_s != UINT32_MAX)
        peer->interval_ns = interval_s * NS_PER_S;
    if (timeout_s != UINT32_MAX)
        peer->timeout_ns = timeout_s * NS_PER_S;
    peer->timers_ns = now_ns;
    dco_timers_changed(p, peer);
    dco_lock_release(&p->lock);
    return 0;
}

int
dco_control_peer_del(struct dco_peers *p, uint32_t id, enum dco_del_reason reason)
{
    struct dco_peer *peer = lock_peer(p, id);

    if (peer == NULL)
        return -ENOENT;
    dco_peers_remove(p, peer, reason);
    dco_lock_release(&p->lock);
    return 0;
}

int
dco_control_peer_lost(struct dco_peers *p, uint32_t id, const void *transport,
                      enum dco_del_reason reason)
{
    struct dco_peer *peer = lock_peer(p, id);
    bool its = peer != NULL && peer->transport == transport;

    if (its)
        dco_peers_remove(p, peer, reason);
    if (peer != NULL)
        dco_lock_release(&p->lock);
    return its ? 0 : -ENOENT;
}

bool
dco_control_peer_leaves(struct dco_peers *p, struct dco_peer *peer)
{
    bool may;

    dco_lock_acquire(&p->lock);
    may = p->mode == DCO_MODE_MP || peer->timeout_ns != 0;
    if (may && !peer->dead)
        dco_peers_remove(p, peer, DCO_DEL_EXPIRED);
    dco_lock_release(&p->lock);
    return may;
}

unsigned
dco_control_transport_gone(struct dco_peers *p, const void *transport, enum dco_del_reason reason)
{
    struct dco_peer *peer, *following;
    unsigned n = 0;

    dco_lock_acquire(&p->lock);
    for (peer = p->all; peer != NULL; peer = following) {
        following = peer->next;
        if (peer->transport == transport) {
            dco_peers_remove(p, peer, reason);
            n++;
        }
    }
    dco_lock_release(&p->lock);
    return n;
}

/* Keys */

static bool
key_valid(const struct dco_key_new *req)
{
    if ((unsigned)req->slot > DCO_SLOT_SECONDARY || req->key_id > DCO_KEY_ID_MAX)
        return false;
    if (req->tx_key == NULL || req->tx_tail == NULL || req->rx_tail == NULL)
        return false;
    if (req->cipher == DCO_CIPHER_NONE)
        return req->plain_ok && req->key_len == 0;
    return dco_cipher_takes(req->cipher, req->key_len);
}

/* Identifies the key in p->fingerprints. */
static uint64_t
fingerprint(const struct dco_peers *p, const struct dco_key_new *req)
{
    uint8_t material[1 + 32 + DCO_NONCE_TAIL_LEN] = {0};
    uint64_t print;

    material[0] = (uint8_t)req->cipher;
    memcpy(material + 1, req->tx_tail, DCO_NONCE_TAIL_LEN);
    memcpy(material + 1 + DCO_NONCE_TAIL_LEN, req->tx_key, req->key_len);
    print = dco_siphash(&p->secret, material, 1 + DCO_NONCE_TAIL_LEN + (size_t)req->key_len);
    dco_wipe(material, sizeof(material));
    return print;
}

static bool
was_used(const struct dco_peers *p, uint64_t print)
{
    for (uint32_t i = 0; i < DCO_FINGERPRINTS; i++) {
        if (p->fingerprints[i] == print)
            return true;
    }
    return false;
}

static int
install_key(struct dco_peers *p, const struct dco_key_new *req, uint64_t now_ns)
{
    struct dco_peer *peer = dco_peers_by_id(p, req->peer_id);
    struct dco_key *key;
    bool secret = req->cipher != DCO_CIPHER_NONE;
    uint64_t print;

    if (peer == NULL)
        return -ENOENT;
    print = fingerprint(p, req);
    if (secret && was_used(p, print))
        return -EEXIST;
    key = dco_key_new(p->env, req, p->key_serial + 1, now_ns);
    if (key == NULL)
        return -ENOMEM;
    p->key_serial++;
    if (secret)
        p->fingerprints[p->fingerprint_next++ % DCO_FINGERPRINTS] = print;
    dco_peer_set_key(peer, req->slot, key, now_ns);
    dco_timers_changed(p, peer);
    return 0;
}

int
dco_control_key_new(struct dco_peers *p, const struct dco_key_new *req, uint64_t now_ns)
{
    int err;

    if (!key_valid(req))
        return -EINVAL;
    dco_lock_acquire(&p->lock);
    err = install_key(p, req, now_ns);
    dco_lock_release(&p->lock);
    return err;
}

int
dco_control_key_swap(struct dco_peers *p, uint32_t peer_id)
{
    struct dco_peer *peer = lock_peer(p, peer_id);

    if (peer == NULL)
        return -ENOENT;
    dco_store_release(&peer->primary, peer->primary ^ 1);
    dco_timers_changed(p, peer);
    dco_lock_release(&p->lock);
    return 0;
}

int
dco_control_key_del(struct dco_peers *p, uint32_t peer_id, enum dco_slot slot, uint64_t now_ns)
{
    struct dco_peer *peer;

    if ((unsigned)slot > DCO_SLOT_SECONDARY)
        return -EINVAL;
    peer = lock_peer(p, peer_id);
    if (peer == NULL)
        return -ENOENT;
    dco_peer_set_key(peer, slot, NULL, now_ns);
    dco_timers_changed(p, peer);
    dco_lock_release(&p->lock);
    return 0;
}

/* Queries */

static void
describe_key(const struct dco_key *key, struct dco_key_info *info)
{
    info->cipher = (enum dco_cipher)key->cipher;
    info->key_len = key->key_len;
    info->key_id = key->key_id;
    info->created_ns = key->created_ns;
}

int
dco_control_key_get(struct dco_peers *p, uint32_t peer_id, enum dco_slot slot,
                    struct dco_key_info *info)
{
    const struct dco_peer *peer;
    const struct dco_key *key;

    if ((unsigned)slot > DCO_SLOT_SECONDARY)
        return -EINVAL;
    peer = lock_peer(p, peer_id);
    if (peer == NULL)
        return -ENOENT;
    key = dco_peer_slot(peer, slot);
    if (key != NULL)
        describe_key(key, info);
    dco_lock_release(&p->lock);
    return key != NULL ? 0 : -ENOENT;
}

static void
describe_peer(const struct dco_peer *peer, struct dco_peer_info *info)
{
    const struct dco_key *primary = dco_peer_slot(peer, DCO_SLOT_PRIMARY);

    memset(info, 0, sizeof(*info));
    info->id = peer->id;
    info->tx_id = peer->tx_id;
    info->vpn4 = peer->vpn4;
    info->vpn6 = peer->vpn6;
    dco_peer_path(peer, &info->path);
    info->origin = peer->origin;
    info->interval_s = (uint32_t)(peer->interval_ns / NS_PER_S);
    info->timeout_s = (uint32_t)(peer->timeout_ns / NS_PER_S);
    info->last_rx_ns = dco_load(&peer->last_rx_ns);
    info->last_tx_ns = dco_load(&peer->last_tx_ns);
    dco_peer_stats_read(peer, &info->stats);
    info->transport = peer->transport;
    info->has_primary = primary != NULL;
    if (primary != NULL)
        describe_key(primary, &info->primary);
}

int
dco_control_peer_get(struct dco_peers *p, uint32_t id, struct dco_peer_info *info)
{
    const struct dco_peer *peer = lock_peer(p, id);

    if (peer == NULL)
        return -ENOENT;
    describe_peer(peer, info);
    dco_lock_release(&p->lock);
    return 0;
}

bool
dco_control_peer_is(struct dco_peers *p, const struct dco_endpoint *remote,
                    const struct dco_endpoint *origin)
{
    struct dco_endpoint canon = dco_endpoint_canon(origin);
    const struct dco_peer *peer;
    bool same;

    dco_lock_acquire(&p->lock);
    peer = dco_peers_by_remote(p, remote);
    same = peer != NULL && dco_endpoint_equal(&peer->origin, &canon);
    dco_lock_release(&p->lock);
    return same;
}

int
dco_control_peer_next(struct dco_peers *p, uint32_t from, struct dco_peer_info *info)
{
    const struct dco_peer *peer;

    dco_lock_acquire(&p->lock);
    peer = dco_idmap_next(&p->by_id, from);
    if (peer != NULL)
        describe_peer(peer, info);
    dco_lock_release(&p->lock);
    return peer != NULL ? 0 : -ENOENT;
}
