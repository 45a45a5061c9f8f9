/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The path of a peer is read by every thread and written a few times in its life. There are two
 * copies. The writer changes the copy that is not being read, moves readers over by adding one to
 * path_seq, and then updates the other copy. So a writer that loses the processor blocks no reader.
 * A reader whose copy was written meanwhile sees a changed path_seq and reads again: the words are
 * released after the path_seq that moved readers away from them, and reading such a word acquires
 * it.
 */
#include "control.h"
#include "keys_private.h"
#include "peer_private.h"
#include "peers_private.h"

#define PATH_WORDS (sizeof(struct dco_path) / sizeof(uint64_t))

#define COUNTERS (2 * DCO_TRAFFICS)

/* i < COUNTERS */
static struct dco_counter *
counter_at(struct dco_peer *peer, unsigned i)
{
    return i < DCO_TRAFFICS ? &peer->packets[i] : &peer->bytes[i - DCO_TRAFFICS];
}

/* Ends the first n counters. */
static void
counters_fini(struct dco_peer *peer, unsigned n)
{
    while (n-- > 0)
        dco_counter_fini(counter_at(peer, n));
}

static bool
counters_init(struct dco_peer *peer)
{
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (!dco_counter_init(counter_at(peer, i))) {
            counters_fini(peer, i);
            return false;
        }
    }
    return true;
}

static void
write_words(uint64_t *words, const struct dco_path *path)
{
    uint64_t word;

    for (size_t i = 0; i < PATH_WORDS; i++) {
        memcpy(&word, (const uint8_t *)path + i * sizeof(word), sizeof(word));
        dco_store_release(&words[i], word);
    }
}

/* One writer at a time. */
static void
write_path(struct dco_peer *peer, const struct dco_path *path)
{
    uint32_t seq = peer->path_seq;

    write_words(peer->path_words[~seq & 1], path);
    dco_store_release(&peer->path_seq, seq + 1);
    write_words(peer->path_words[seq & 1], path);
}

struct dco_peer *
dco_peer_new(struct dco_peers *p, const struct dco_peer_new *req, uint64_t now_ns)
{
    struct dco_path path = dco_path_canon(&req->path);
    struct dco_peer *peer = dco_env_alloc(p->env, sizeof(*peer));

    if (peer == NULL)
        return NULL;
    if (!counters_init(peer)) {
        dco_env_free(p->env, peer, sizeof(*peer));
        return NULL;
    }
    peer->peers = p;
    peer->env = p->env;
    peer->refs = 1;
    peer->id = req->id;
    peer->tx_id = req->tx_id;
    if (p->mode == DCO_MODE_MP) {
        peer->vpn4 = dco_ip_canon(&req->vpn4);
        peer->vpn6 = dco_ip_canon(&req->vpn6);
    }
    peer->origin = req->origin.ip.family != 0 ? dco_endpoint_canon(&req->origin) : path.remote;
    peer->transport = req->transport;
    peer->timers_ns = now_ns;
    peer->retired_end_ns = UINT64_MAX;
    write_path(peer, &path);
    return peer;
}

void
dco_peer_abandon(struct dco_peer *peer)
{
    counters_fini(peer, COUNTERS);
    dco_env_free(peer->env, peer, sizeof(*peer));
}

void
dco_peer_end(struct dco_deferred *d)
{
    struct dco_peer *peer = dco_deferred_in(d, struct dco_peer);
    const struct dco_env *env = peer->env;

    if (peer->transport != NULL)
        dco_env_transport_put(env, peer->transport);
    dco_peer_abandon(peer);
}

bool
dco_peer_get(struct dco_peer *peer)
{
    return dco_ref_get(&peer->refs);
}

void
dco_peer_put(struct dco_peer *peer)
{
    if (!dco_ref_put(&peer->refs))
        return;
    peer->deferred.kind = DCO_DEFERRED_PEER;
    dco_env_defer(peer->env, &peer->deferred);
}

void
dco_peer_set_path(struct dco_peer *peer, const struct dco_path *path)
{
    dco_lock_assert_held(&peer->peers->lock);
    write_path(peer, path);
}

void
dco_peer_path(const struct dco_peer *peer, struct dco_path *path)
{
    uint64_t words[PATH_WORDS];
    uint32_t seq;

    do {
        seq = dco_load_acquire(&peer->path_seq);
        for (size_t i = 0; i < PATH_WORDS; i++)
            words[i] = dco_load_acquire(&peer->path_words[seq & 1][i]);
    } while (dco_load(&peer->path_seq) != seq);
    memcpy(path, words, sizeof(*path));
}

void
dco_peer_stats_read(const struct dco_peer *peer, struct dco_peer_stats *stats)
{
    const struct dco_counter *packets = peer->packets, *bytes = peer->bytes;

    stats->vpn_rx_bytes = dco_counter_read(&bytes[DCO_VPN_RX]);
    stats->vpn_rx_packets = dco_counter_read(&packets[DCO_VPN_RX]);
    stats->vpn_tx_bytes = dco_counter_read(&bytes[DCO_VPN_TX]);
    stats->vpn_tx_packets = dco_counter_read(&packets[DCO_VPN_TX]);
    stats->link_rx_bytes = dco_counter_read(&bytes[DCO_LINK_RX]);
    stats->link_rx_packets = dco_counter_read(&packets[DCO_LINK_RX]);
    stats->link_tx_bytes = dco_counter_read(&bytes[DCO_LINK_TX]);
    stats->link_tx_packets = dco_counter_read(&packets[DCO_LINK_TX]);
}

uint32_t
dco_peer_id(const struct dco_peer *peer)
{
    return peer->id;
}

uint32_t
dco_peer_tx_id(const struct dco_peer *peer)
{
    return peer->tx_id;
}

void *
dco_peer_transport(const struct dco_peer *peer)
{
    return peer->transport;
}

const struct dco_endpoint *
dco_peer_origin(const struct dco_peer *peer)
{
    return &peer->origin;
}

bool
dco_peer_has_vpn(const struct dco_peer *peer, const struct dco_ip *ip)
{
    return dco_ip_equal(ip, &peer->vpn4) || dco_ip_equal(ip, &peer->vpn6);
}

struct dco_peers *
dco_peer_set(const struct dco_peer *peer)
{
    return peer->peers;
}

struct dco_peer_platform *
dco_peer_platform(struct dco_peer *peer)
{
    return &peer->platform;
}

void
dco_peer_count(struct dco_peer *peer, enum dco_traffic what, uint64_t packets, uint64_t bytes)
{
    dco_counter_add(&peer->packets[what], packets);
    dco_counter_add(&peer->bytes[what], bytes);
}

/* Stores a changed time only: a store per packet would move the cache line from processor to
 * processor. */
static void
set_time(uint64_t *time, uint64_t now_ns)
{
    if (dco_load(time) != now_ns)
        dco_store(time, now_ns);
}

void
dco_peer_received(struct dco_peer *peer, uint64_t now_ns)
{
    set_time(&peer->last_rx_ns, now_ns);
}

void
dco_peer_sent(struct dco_peer *peer, uint64_t now_ns)
{
    set_time(&peer->last_tx_ns, now_ns);
}

struct dco_key *
dco_peer_key_tx(const struct dco_peer *peer)
{
    return dco_load_acquire(&peer->slot[dco_load_acquire(&peer->primary)]);
}

static struct dco_key *
retired_with(const struct dco_peer *peer, uint8_t key_id)
{
    struct dco_key *key = dco_load_acquire(&peer->retired);

    return key != NULL && key->key_id == key_id ? key : NULL;
}

struct dco_key *
dco_peer_key_rx(const struct dco_peer *peer, uint8_t key_id)
{
    struct dco_key *a = dco_load_acquire(&peer->slot[0]);
    struct dco_key *b = dco_load_acquire(&peer->slot[1]);

    if (a != NULL && a->key_id != key_id)
        a = NULL;
    if (b == NULL || b->key_id != key_id)
        return a != NULL ? a : retired_with(peer, key_id);
    return a != NULL && a->serial > b->serial ? a : b;
}

/* Notes the use of the key with this serial. False if the peer has used a newer one. */
static bool
newest_heard(struct dco_peer *peer, uint64_t serial)
{
    uint64_t heard = dco_load(&peer->key_heard);

    while (heard < serial)
        if (dco_cas(&peer->key_heard, &heard, serial))
            return true;
    return heard == serial;
}

int
dco_peer_accept(struct dco_peer *peer, struct dco_key *key, const uint32_t *id,
                enum dco_drop *verdict, uint32_t n, uint64_t now_ns)
{
    int newest = -1;

    dco_lock_acquire(&key->replay_lock);
    for (uint32_t i = 0; i < n; i++) {
        if (verdict[i] != DCO_DROP_NONE)
            continue;
        verdict[i] = dco_replay_accept(&key->replay, id[i], now_ns);
        if (verdict[i] == DCO_DROP_NONE && key->replay.highest == id[i])
            newest = (int)i;
    }
    if (newest >= 0 && !newest_heard(peer, key->serial))
        newest = -1;
    dco_lock_release(&key->replay_lock);
    return newest;
}

/* Slots change under the control lock only, so a key found under it is alive. */
struct dco_key *
dco_peer_hold_key(struct dco_peer *peer)
{
    struct dco_key *key;

    dco_lock_acquire(&peer->peers->lock);
    key = peer->dead ? NULL : dco_peer_key_tx(peer);
    if (key != NULL && !dco_key_get(key))
        key = NULL;
    dco_lock_release(&peer->peers->lock);
    return key;
}

static unsigned
slot_index(const struct dco_peer *peer, enum dco_slot slot)
{
    return slot == DCO_SLOT_PRIMARY ? peer->primary : peer->primary ^ 1;
}

struct dco_key *
dco_peer_slot(const struct dco_peer *peer, enum dco_slot slot)
{
    dco_lock_assert_held(&peer->peers->lock);
    return peer->slot[slot_index(peer, slot)];
}

/* key: NULL for none. */
static void
retire(struct dco_peer *peer, struct dco_key *key, uint64_t end_ns)
{
    struct dco_key *before = dco_exchange(&peer->retired, key);

    dco_lock_assert_held(&peer->peers->lock);
    peer->retired_end_ns = end_ns;
    if (before != NULL)
        dco_key_put(before);
}

void
dco_peer_end_retired(struct dco_peer *peer)
{
    retire(peer, NULL, UINT64_MAX);
}

/* A key that retires is visible before it leaves its slot, so no reader misses it. */
void
dco_peer_set_key(struct dco_peer *peer, enum dco_slot slot, struct dco_key *key, uint64_t now_ns)
{
    struct dco_key *old = dco_peer_slot(peer, slot);
    struct dco_key *primary =
        slot == DCO_SLOT_PRIMARY ? key : dco_peer_slot(peer, DCO_SLOT_PRIMARY);
    bool retires = old != NULL && primary != NULL && old->serial < primary->serial;

    if (retires)
        retire(peer, old, now_ns + DCO_KEY_RETIRED_NS);
    else if (primary == NULL)
        dco_peer_end_retired(peer);
    (void)dco_exchange(&peer->slot[slot_index(peer, slot)], key);
    if (old != NULL && !retires)
        dco_key_put(old);
}

void
dco_peer_end_keys(struct dco_peer *peer)
{
    dco_peer_set_key(peer, DCO_SLOT_PRIMARY, NULL, 0);
    dco_peer_set_key(peer, DCO_SLOT_SECONDARY, NULL, 0);
}
