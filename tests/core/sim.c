/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim.h"

#include "events.h"
#include "inner.h"
#include "keys_private.h"
#include "peers_private.h"
#include "timers.h"

struct sim *sim;

/* The toy cipher */

static struct dco_siphash_key
toy_key(const uint8_t *key)
{
    struct dco_siphash_key k;

    memcpy(&k, key, sizeof(k));
    return k;
}

static void
toy_crypt(const uint8_t *key, const uint8_t *nonce, uint8_t *data, size_t len)
{
    struct dco_siphash_key k = toy_key(key);
    uint8_t block[DCO_NONCE_LEN + 4];
    uint64_t stream = 0;

    memcpy(block, nonce, DCO_NONCE_LEN);
    for (size_t i = 0; i < len; i++, stream >>= 8) {
        if (i % 8 == 0) {
            dco_write32(block + DCO_NONCE_LEN, (uint32_t)i);
            stream = dco_siphash(&k, block, sizeof(block));
        }
        data[i] ^= (uint8_t)stream;
    }
}

static void
toy_tag(const uint8_t *key, const uint8_t *nonce, const uint8_t *pkt, size_t len, uint8_t *tag)
{
    struct dco_siphash_key k = toy_key(key + 16);
    uint8_t all[DCO_NONCE_LEN + DCO_HDR_LEN + WIRE_MAX];
    size_t n = len - DCO_OVERHEAD;

    memcpy(all, nonce, DCO_NONCE_LEN);
    memcpy(all + DCO_NONCE_LEN, pkt, DCO_HDR_LEN);
    memcpy(all + DCO_NONCE_LEN + DCO_HDR_LEN, pkt + DCO_OVERHEAD, n);
    for (unsigned half = 0; half < 2; half++, k.k[0]++) {
        uint64_t hash = dco_siphash(&k, all, DCO_NONCE_LEN + DCO_HDR_LEN + n);

        dco_write32(tag + 8 * half, (uint32_t)hash);
        dco_write32(tag + 8 * half + 4, (uint32_t)(hash >> 32));
    }
}

static void
toy_seal(struct dco_key *key, uint8_t *pkt, size_t len)
{
    struct test_crypto *crypto = key->crypto;
    uint8_t nonce[DCO_NONCE_LEN];

    CHECK(dco_read32(pkt + 4) > crypto->last_id); /* never the same nonce again */
    crypto->last_id = dco_read32(pkt + 4);
    dco_wire_nonce(nonce, pkt, key->tx_tail);
    toy_crypt(crypto->tx, nonce, pkt + DCO_OVERHEAD, len - DCO_OVERHEAD);
    toy_tag(crypto->tx, nonce, pkt, len, pkt + DCO_HDR_LEN);
}

static bool
toy_open(const struct dco_key *key, uint8_t *pkt, size_t len)
{
    const struct test_crypto *crypto = key->crypto;
    uint8_t nonce[DCO_NONCE_LEN], tag[DCO_TAG_LEN];

    dco_wire_nonce(nonce, pkt, key->rx_tail);
    toy_tag(crypto->rx, nonce, pkt, len, tag);
    if (memcmp(tag, pkt + DCO_HDR_LEN, DCO_TAG_LEN) != 0)
        return false;
    toy_crypt(crypto->rx, nonce, pkt + DCO_OVERHEAD, len - DCO_OVERHEAD);
    return true;
}

/* Inner packets: IPv4, then the serial, filling, and a hash of all before it */

static struct dco_ip
vpn_of(uint32_t node)
{
    return ip4(10, 8, 0, (uint8_t)(node == 0 ? 254 : node));
}

static uint64_t
inner_hash(const uint8_t *pkt, size_t len)
{
    static const struct dco_siphash_key k = {{1, 2}};

    return dco_siphash(&k, pkt, len - 8);
}

static size_t
inner_make(uint8_t *pkt, uint32_t src, uint32_t dst, uint32_t serial)
{
    size_t len = 32 + rng_below(&sim->rng, PACKET_MAX - 32 + 1);
    struct dco_ip from = vpn_of(src), to = vpn_of(dst);
    uint64_t hash;

    rng_bytes(&sim->rng, pkt, len);
    memset(pkt, 0, 20);
    pkt[0] = 0x45;
    dco_write16(pkt + 2, (uint16_t)len);
    pkt[9] = 99; /* a protocol nobody looks into */
    memcpy(pkt + 12, from.addr, 4);
    memcpy(pkt + 16, to.addr, 4);
    dco_write32(pkt + 20, serial);
    hash = inner_hash(pkt, len);
    dco_write32(pkt + len - 8, (uint32_t)(hash >> 32));
    dco_write32(pkt + len - 4, (uint32_t)hash);
    return len;
}

static bool
inner_intact(const uint8_t *pkt, size_t len)
{
    return len >= 32 && inner_hash(pkt, len) ==
                            ((uint64_t)dco_read32(pkt + len - 8) << 32 | dco_read32(pkt + len - 4));
}

/* The network */

static void
drop(struct node *node, enum dco_drop reason)
{
    node->drops.count[reason]++;
}

static void
fly(const struct datagram *d, uint64_t at)
{
    CHECK(sim->flying < FLIGHT_MAX);
    sim->flight[sim->flying] = *d;
    sim->flight[sim->flying++].at = at;
}

static void
launch(const struct datagram *d)
{
    if (rng_chance(&sim->rng, sim->loss)) {
        sim->fate[d->serial] = LOST;
        return;
    }
    fly(d, sim->now + 1 + rng_next(&sim->rng) % DELAY_MAX);
    if (rng_chance(&sim->rng, sim->duplicates))
        fly(d, sim->now + 1 + rng_next(&sim->rng) % DELAY_MAX);
    if (rng_chance(&sim->rng, 2))
        sim->captured = *d;
}

/* Sending */

static void
encrypt_and_launch(struct node *node, struct dco_peer *peer, struct datagram *d, size_t inner_len)
{
    struct dco_key *key = dco_peer_key_tx(peer);
    struct dco_path path;
    uint32_t id;
    bool want;

    if (key == NULL) {
        drop(node, DCO_DROP_TX_NO_KEY);
        sim->fate[d->serial] = LOST;
        return;
    }
    CHECK_EQ(dco_key_reserve(key, 1, dco_key_cost(inner_len), &id, &want), DCO_DROP_NONE);
    if (want)
        dco_peers_want_key(node->p, peer);
    d->len = inner_len + DCO_OVERHEAD;
    dco_wire_write_hdr(d->data, key->key_id, peer->tx_id, id);
    toy_seal(key, d->data, d->len);
    dco_key_sent(key, id, 1);
    dco_peer_path(peer, &path);
    d->from = node->self;
    d->to = path.remote;
    dco_store(&peer->last_tx_ns, sim->now);
    launch(d);
}

void
sim_talk(uint32_t from, uint32_t to, uint32_t spoof)
{
    struct node *node = &sim->node[from];
    struct datagram d = {.serial = 0};
    struct dco_ip dst = vpn_of(to);
    struct dco_peer *peer = dco_peers_by_dest(node->p, &dst);
    size_t len;

    if (node->down || sim->serials + 1 >= SERIALS_MAX)
        return;
    d.serial = ++sim->serials;
    sim->fate[d.serial] = SENT;
    len = inner_make(d.data + DCO_OVERHEAD, spoof, to, d.serial);
    if (peer == NULL) {
        drop(node, DCO_DROP_TX_NO_PEER);
        sim->fate[d.serial] = LOST;
        return;
    }
    encrypt_and_launch(node, peer, &d, len);
}

static void
send_keepalive(struct node *node, struct dco_peer *peer)
{
    struct datagram d = {.serial = 0};

    memcpy(d.data + DCO_OVERHEAD, dco_keepalive_payload, DCO_KEEPALIVE_LEN);
    encrypt_and_launch(node, peer, &d, DCO_KEEPALIVE_LEN);
    sim->keepalives++;
}

/* Receiving */

static enum dco_drop
deliver(struct node *node, struct dco_peer *peer, const struct datagram *d)
{
    const uint8_t *pkt = d->data + DCO_OVERHEAD;
    size_t len = d->len - DCO_OVERHEAD;
    struct dco_inner inner;

    if (dco_wire_is_keepalive(pkt, len))
        return DCO_DROP_NONE;
    if (!dco_inner_parse(pkt, len, &inner))
        return DCO_DROP_RX_NOT_IP;
    if (!dco_peers_source_ok(node->p, peer, &inner.src))
        return DCO_DROP_RX_SOURCE;
    CHECK(!d->forged);
    CHECK(inner_intact(pkt, len));
    CHECK_EQ(dco_read32(pkt + 20), d->serial);
    CHECK(sim->fate[d->serial] == SENT || sim->fate[d->serial] == LOST); /* LOST: its duplicate */
    sim->fate[d->serial] = DELIVERED;
    return DCO_DROP_NONE;
}

static enum dco_drop
receive(struct node *node, struct datagram *d)
{
    struct dco_path path = {.remote = d->from};
    struct dco_wire_hdr hdr;
    struct dco_peer *peer;
    struct dco_key *key;
    enum dco_drop reason = DCO_DROP_NONE;
    bool moves;

    if (dco_wire_parse(d->data, d->len, &hdr) != DCO_WIRE_DATA)
        return DCO_DROP_RX_SHORT;
    peer = dco_peers_by_id(node->p, hdr.peer_id);
    if (peer == NULL)
        return DCO_DROP_RX_NO_PEER;
    key = dco_peer_key_rx(peer, hdr.key_id);
    if (key == NULL)
        return DCO_DROP_RX_NO_KEY;
    if (!toy_open(key, d->data, d->len)) {
        dco_key_failed(key, 1);
        return DCO_DROP_RX_AUTH;
    }
    moves = dco_peer_accept(peer, key, &hdr.packet_id, &reason, 1, sim->now) == 0;
    if (reason != DCO_DROP_NONE)
        return reason;
    dco_peer_received(peer, sim->now);
    if (moves)
        sim->floats += dco_peers_seen_from(node->p, peer, &path, sim->now);
    return deliver(node, peer, d);
}

static struct node *
node_at(const struct dco_endpoint *where)
{
    for (unsigned i = 0; i < NODES; i++) {
        if (!sim->node[i].down && dco_endpoint_equal(&sim->node[i].self, where))
            return &sim->node[i];
    }
    return NULL;
}

static void
arrive(struct datagram *d)
{
    struct node *node = node_at(&d->to);
    enum dco_drop reason = DCO_DROP_RX_NO_PEER;

    if (node != NULL) {
        reason = receive(node, d);
        if (reason == DCO_DROP_NONE)
            return;
        drop(node, reason);
    }
    if (!d->forged && sim->fate[d->serial] == SENT)
        sim->fate[d->serial] = reason == DCO_DROP_RX_SOURCE ? REFUSED : LOST;
}

static void
arrivals(void)
{
    for (unsigned i = 0; i < sim->flying;) {
        struct datagram arrived;

        if (sim->flight[i].at > sim->now) {
            i++;
            continue;
        }
        arrived = sim->flight[i];
        sim->flight[i] = sim->flight[--sim->flying];
        arrive(&arrived);
    }
}

/* What openvpn does */

static void
wear(struct dco_peers *p, uint32_t id, enum dco_slot slot)
{
    struct dco_key *key;

    dco_lock_acquire(&p->lock);
    key = dco_peer_slot(dco_peers_by_id(p, id), slot);
    key->tx_next = DCO_PACKET_ID_SOFT - 100;
    key->tx_sent = key->tx_next;
    dco_lock_release(&p->lock);
}

static int
install(uint32_t node, uint32_t client, enum dco_slot slot, uint8_t key_id, uint32_t number)
{
    struct platform *platform = &sim->node[node].platform;
    struct test_crypto *crypto = platform_crypto(platform);
    struct rng material = {number};
    uint8_t key[2][32], tail[2][DCO_NONCE_TAIL_LEN]; /* [0]: from the server */
    bool server = node == 0;
    struct dco_key_new req = {.peer_id = sim->peer_id[client],
                              .slot = slot,
                              .key_id = key_id,
                              .cipher = DCO_CIPHER_CHACHA20_POLY1305,
                              .key_len = 32,
                              .tx_key = key[!server],
                              .tx_tail = tail[!server],
                              .rx_tail = tail[server],
                              .crypto = crypto};
    int err;

    rng_bytes(&material, key, sizeof(key));
    rng_bytes(&material, tail, sizeof(tail));
    memcpy(crypto->tx, key[!server], 32);
    memcpy(crypto->rx, key[server], 32);
    err = dco_control_key_new(sim->node[node].p, &req, sim->now);
    if (err != 0)
        platform_crypto_drop(platform, crypto);
    else if (sim->worn_keys)
        wear(sim->node[node].p, req.peer_id, slot);
    return err;
}

static void
start_peer(uint32_t node, uint32_t client)
{
    struct node *n = &sim->node[node];
    struct dco_peer_new req = {
        .id = sim->peer_id[client], .tx_id = sim->peer_id[client], .share_vpn = true};

    if (node == 0)
        req.vpn4 = vpn_of(client);
    req.path.remote = sim->node[node == 0 ? client : 0].self;
    CHECK_EQ(dco_control_peer_new(n->p, &req, sim->now), 0);
    CHECK_EQ(dco_control_peer_set(n->p, req.id, INTERVAL_S, TIMEOUT_S, sim->now), 0);
    CHECK_EQ(install(node, client, DCO_SLOT_PRIMARY, 0, sim->keys), 0);
}

void
sim_start_session(uint32_t client)
{
    if (rng_chance(&sim->rng, 50))
        dco_control_peer_del(sim->node[0].p, sim->peer_id[client], DCO_DEL_USERSPACE);
    sim->peer_id[client] = 1 + sim->peers++ * 7;
    sim->keys++;
    sim->key_id[client] = 0;
    memset(&sim->rekey[client], 0, sizeof(sim->rekey[client]));
    start_peer(0, client);
    start_peer(client, client);
}

uint64_t
sim_within(uint64_t from, uint64_t span)
{
    return from + 1 + rng_next(&sim->rng) % span;
}

static uint64_t
later(const uint64_t t[2])
{
    return t[0] > t[1] ? t[0] : t[1];
}

/* Neither end encrypts with a key before both have it. Each deletes the old one when it changes to
 * the new one, although the other end still uses it for a second, and packets are under way. */
static void
plan_rekey(uint32_t client)
{
    struct rekey *r = &sim->rekey[client];

    r->running = true;
    r->asked = false;
    r->number = ++sim->keys;
    sim->key_id[client] = sim->key_id[client] % 7 + 1;
    for (unsigned end = 0; end < 2; end++)
        r->install[end] = sim_within(sim->now, 2 * SECOND);
    for (unsigned end = 0; end < 2; end++)
        r->swap[end] = r->del[end] = sim_within(later(r->install), SECOND);
}

static bool
is_due(uint64_t *at)
{
    if (*at == 0 || *at > sim->now)
        return false;
    *at = 0;
    return true;
}

static void
rekey(uint32_t client)
{
    struct rekey *r = &sim->rekey[client];
    uint32_t id = sim->peer_id[client];

    for (unsigned end = 0; end < 2; end++) {
        uint32_t node = end == 0 ? 0 : client;
        struct dco_peers *p = sim->node[node].p;

        if (dco_peers_by_id(p, id) == NULL)
            continue; /* expired, or a client that is down */
        if (is_due(&r->install[end]))
            CHECK_EQ(install(node, client, DCO_SLOT_SECONDARY, sim->key_id[client], r->number), 0);
        if (is_due(&r->swap[end]))
            CHECK_EQ(dco_control_key_swap(p, id), 0);
        if (is_due(&r->del[end]))
            CHECK_EQ(dco_control_key_del(p, id, DCO_SLOT_SECONDARY, sim->now), 0);
    }
    if (later(r->del) == 0)
        r->running = false;
}

static void
heed(struct node *node, const struct dco_event *event)
{
    node->deleted += event->kind == DCO_EVENT_DEL;
    node->expired += event->kind == DCO_EVENT_DEL && event->del_reason == DCO_DEL_EXPIRED;
    for (uint32_t c = 1; c < NODES && event->kind == DCO_EVENT_KEY_WANTED; c++) {
        /* A wish for a key that is being replaced is being granted already. */
        if (sim->peer_id[c] == event->peer_id && sim->key_id[c] == event->key_id)
            sim->rekey[c].asked = true;
    }
}

static void
timers(struct node *node)
{
    struct dco_peer *due[8];
    struct dco_event event;
    unsigned n;

    if (node->down || sim->now < node->next_tick)
        return;
    do {
        n = dco_peers_tick(node->p, sim->now, due, 8, &node->next_tick);
        for (unsigned i = 0; i < n; i++) {
            send_keepalive(node, due[i]);
            dco_peer_put(due[i]);
        }
    } while (n == 8);
    if (node->next_tick > sim->now + SECOND)
        node->next_tick = sim->now + SECOND;
    while (dco_event_take(node->p, &event))
        heed(node, &event);
    platform_run_deferred(&node->platform);
}

/* What goes on */

void
sim_move(uint32_t client)
{
    static uint16_t port = 2000;

    sim->node[client].self = endpoint4(10 + client + 10 * rng_below(&sim->rng, 3), ++port);
}

static void
chat(uint32_t client)
{
    struct node *node = &sim->node[client];

    if (rng_chance(&sim->rng, 1))
        node->chatting = !node->chatting;
    if (!node->chatting)
        return;
    sim_talk(client, 0, client);
    sim_talk(0, client, 0);
    if (rng_chance(&sim->rng, 2))
        sim_talk(client, 0, client % CLIENTS + 1); /* another client's address */
}

/* Somebody who sees packets and sends what he likes, from his own address or another's. */
static void
attack(void)
{
    struct datagram d = sim->captured;

    if (d.len == 0)
        return;
    d.forged = true;
    d.from = rng_chance(&sim->rng, 50) ? endpoint4(ATTACKER_HOST, 1) : d.from;
    if (rng_chance(&sim->rng, 50)) {
        unsigned bit = rng_below(&sim->rng, (uint32_t)d.len * 8);

        d.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    } else if (rng_chance(&sim->rng, 20)) {
        d.len = rng_below(&sim->rng, (uint32_t)d.len);
    }
    fly(&d, sim->now + SECOND + rng_next(&sim->rng) % SECOND);
}

void
sim_step(bool quiet)
{
    sim->now += 1 + rng_next(&sim->rng) % (20 * MS);
    arrivals();
    for (unsigned i = 0; i < NODES; i++)
        timers(&sim->node[i]);
    peers_sound(sim->node[sim->steps++ % NODES].p); /* of all at once it would take too long */
    for (uint32_t c = 1; c < NODES; c++) {
        if (sim->rekey[c].running)
            rekey(c);
        if (quiet)
            continue;
        chat(c);
        if (sim->rekey[c].running)
            continue;
        if (sim->rekey[c].asked || (!sim->worn_keys && rng_chance(&sim->rng, 1)))
            plan_rekey(c);
    }
    if (!quiet && sim->attacked && rng_chance(&sim->rng, 5))
        attack();
}

bool
sim_nobody_at_the_attacker(void)
{
    struct dco_path path;

    for (unsigned i = 0; i < NODES; i++) {
        struct dco_endpoint attacker = endpoint4(ATTACKER_HOST, 1);

        if (dco_peers_by_remote(sim->node[i].p, &attacker) != NULL)
            return false;
        if (i != 0 && sim->node[i].p->only != NULL) {
            dco_peer_path(sim->node[i].p->only, &path);
            if (!dco_endpoint_equal(&path.remote, &sim->node[0].self))
                return false;
        }
    }
    return true;
}

void
sim_begin(uint32_t loss, uint32_t duplicates, uint32_t round, bool worn_keys)
{
    sim = calloc(1, sizeof(*sim));
    sim->worn_keys = worn_keys;
    sim->rng = test_rng();
    sim->rng.state += round;
    sim->now = SECOND;
    sim->loss = loss;
    sim->duplicates = duplicates;
    sim->attacked = loss != 0;
    for (unsigned i = 0; i < NODES; i++) {
        struct node *node = &sim->node[i];

        platform_init(&node->platform, PLATFORM_DELAYED);
        node->p = peers_make(&node->platform, i == 0 ? DCO_MODE_MP : DCO_MODE_P2P);
        node->self = endpoint4(i == 0 ? SERVER_HOST : 10 + i, 1194);
        node->chatting = true;
    }
    for (uint32_t c = 1; c < NODES; c++)
        sim_start_session(c);
}

void
sim_settle(void)
{
    uint64_t until = sim->now + 10 * SECOND;

    while (sim->now < until)
        sim_step(true);
}

void
sim_end(void)
{
    sim_settle();
    CHECK(sim_nobody_at_the_attacker());
    for (uint32_t s = 1; s <= sim->serials; s++)
        CHECK(sim->fate[s] != SENT); /* every packet has met its fate */
    for (unsigned i = 0; i < NODES; i++) {
        peers_free(sim->node[i].p);
        platform_fini(&sim->node[i].platform);
    }
    free(sim);
}

uint32_t
sim_fates(enum fate fate)
{
    uint32_t n = 0;

    for (uint32_t s = 1; s <= sim->serials; s++)
        n += sim->fate[s] == fate;
    return n;
}

uint64_t
sim_drops(enum dco_drop reason)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < NODES; i++)
        n += sim->node[i].drops.count[reason];
    return n;
}
