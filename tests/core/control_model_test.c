/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random sequences of everything that changes a set of peers (commands, floats, timers, events,
 * memory running out) beside a model that is plain lists. After each step every lookup is compared.
 */
#include "addresses.h"
#include "events.h"
#include "harness.h"
#include "keys_private.h"
#include "peers_private.h"
#include "platform.h"
#include "timers.h"

#define SECOND    1000000000ULL
#define HOSTS     7U /* remotes: 192.0.0.1 .. */
#define ADDRESSES 6U /* VPN addresses: 10.8.0.1 .., 2001:db8::1 .. */
#define PEERS_MAX 4000U
#define KEYS_MAX  3000U /* fewer than are remembered */

static const uint32_t ids[] = {0, 1, 2, 3, 4095, 4096, 70000, 0xfffffd, 0xfffffe};
#define IDS (sizeof(ids) / sizeof(ids[0]))

struct model_key {
    bool there;
    uint8_t key_id;
    uint64_t number; /* its order of installation */
};

/* One peer, alive or gone. Its number is that of its transport. */
struct model_peer {
    bool alive;
    uint32_t id;
    uint32_t number;
    uint32_t v4, v6; /* 0: none */
    uint32_t host;
    uint32_t transport_group;
    uint32_t interval_s, timeout_s;
    uint64_t timers, last_rx, last_tx, last_float;
    struct model_key key[2]; /* by role: primary, secondary */
    struct model_key retired;
    uint64_t retired_end;
    uint32_t events, del_reason;
    struct model_peer *next_event;
};

struct list {
    struct model_peer *peer[64];
    unsigned n;
};

struct model {
    enum dco_mode mode;
    struct model_peer *peer; /* all there ever were, oldest first */
    uint32_t peers;
    struct list v4[ADDRESSES + 1], v6[ADDRESSES + 1], host[HOSTS + 1]; /* preferred first */
    struct model_peer *event_head, *event_tail;
    bool used[KEYS_MAX]; /* key material by number */
    uint64_t fresh;      /* the lowest number not used */
    uint64_t installs;
};

static struct platform platform;
static struct dco_peers *p;
static struct model m;
static struct rng rng;
static uint64_t now;

/* Lists */

static void
list_add(struct list *list, struct model_peer *peer, bool in_front)
{
    if (in_front) {
        memmove(list->peer + 1, list->peer, list->n * sizeof(list->peer[0]));
        list->peer[0] = peer;
    } else {
        list->peer[list->n] = peer;
    }
    list->n++;
}

static void
list_del(struct list *list, const struct model_peer *peer)
{
    unsigned i = 0;

    while (list->peer[i] != peer)
        i++;
    list->n--;
    memmove(list->peer + i, list->peer + i + 1, (list->n - i) * sizeof(list->peer[0]));
}

static struct model_peer *
list_first(const struct list *list)
{
    return list->n > 0 ? list->peer[0] : NULL;
}

/* The model's commands */

static struct model_peer *
model_find(uint32_t id)
{
    for (uint32_t i = 0; i < m.peers; i++) {
        if (m.peer[i].alive && m.peer[i].id == id)
            return &m.peer[i];
    }
    return NULL;
}

static void
model_raise(struct model_peer *peer, uint32_t kind)
{
    if (peer->events == 0) {
        peer->next_event = NULL;
        if (m.event_head == NULL)
            m.event_head = peer;
        else
            m.event_tail->next_event = peer;
        m.event_tail = peer;
    }
    peer->events |= kind;
}

static void
model_remove(struct model_peer *peer, uint32_t reason)
{
    peer->alive = false;
    peer->del_reason = reason;
    memset(peer->key, 0, sizeof(peer->key));
    peer->retired.there = false;
    if (m.mode == DCO_MODE_MP && peer->v4 != 0)
        list_del(&m.v4[peer->v4], peer);
    if (m.mode == DCO_MODE_MP && peer->v6 != 0)
        list_del(&m.v6[peer->v6], peer);
    list_del(&m.host[peer->host], peer);
    model_raise(peer, DCO_EVENT_DEL);
}

static int
model_new_error(const struct model_peer *peer, bool share)
{
    if (m.mode == DCO_MODE_P2P)
        return 0;
    if (peer->v4 == 0 && peer->v6 == 0)
        return -EINVAL;
    if (model_find(peer->id) != NULL)
        return -EEXIST;
    if (!share &&
        ((peer->v4 != 0 && m.v4[peer->v4].n > 0) || (peer->v6 != 0 && m.v6[peer->v6].n > 0)))
        return -EADDRINUSE;
    return 0;
}

static void
model_new(const struct model_peer *template)
{
    struct model_peer *peer;

    for (uint32_t i = 0; m.mode == DCO_MODE_P2P && i < m.peers; i++) {
        if (m.peer[i].alive)
            model_remove(&m.peer[i], DCO_DEL_TEARDOWN);
    }
    peer = &m.peer[m.peers++];
    *peer = *template;
    peer->alive = true;
    if (m.mode == DCO_MODE_MP && peer->v4 != 0)
        list_add(&m.v4[peer->v4], peer, true);
    if (m.mode == DCO_MODE_MP && peer->v6 != 0)
        list_add(&m.v6[peer->v6], peer, true);
    list_add(&m.host[peer->host], peer, true);
}

/* Steps: each does the same to both */

static uint32_t
random_id(void)
{
    return ids[rng_below(&rng, IDS)];
}

static void
step_new(void)
{
    struct model_peer want = {.id = random_id(),
                              .number = m.peers,
                              .v4 = rng_below(&rng, ADDRESSES + 1),
                              .v6 = rng_below(&rng, ADDRESSES + 1),
                              .host = 1 + rng_below(&rng, HOSTS),
                              .timers = now};
    struct dco_peer_new req = {.id = want.id,
                               .tx_id = want.id ^ 1,
                               .path = path4(want.host, 1),
                               .share_vpn = rng_chance(&rng, 50),
                               .transport = platform_transport(&platform, want.number)};
    int err, expected = model_new_error(&want, req.share_vpn);

    if (want.v4 != 0)
        req.vpn4 = ip4(10, 8, 0, (uint8_t)want.v4);
    if (want.v6 != 0)
        req.vpn6 = ip6(want.v6);
    err = dco_control_peer_new(p, &req, now);
    if (err == -ENOMEM && platform.fail_in == -1)
        expected = err;
    CHECK_EQ(err, expected);
    if (err == 0)
        model_new(&want);
    else
        platform_transport_put(&platform, req.transport);
}

static void
step_del(void)
{
    uint32_t id = random_id(), reason = rng_below(&rng, 5);
    struct model_peer *peer = model_find(id);

    CHECK_EQ(dco_control_peer_del(p, id, (enum dco_del_reason)reason), peer ? 0 : -ENOENT);
    if (peer != NULL)
        model_remove(peer, reason);
}

static void
step_transport_gone(void)
{
    uint32_t id = random_id();
    struct dco_peer *real = dco_peers_by_id(p, id);
    struct model_peer *peer = model_find(id);

    if (real == NULL || peer == NULL)
        return;
    CHECK_EQ(dco_control_transport_gone(p, real->transport, DCO_DEL_TRANSPORT_ERROR), 1);
    model_remove(peer, DCO_DEL_TRANSPORT_ERROR);
}

static void
step_set(void)
{
    uint32_t id = random_id(), interval = rng_below(&rng, 20), timeout = rng_below(&rng, 60);
    struct model_peer *peer = model_find(id);

    if (rng_chance(&rng, 20))
        interval = UINT32_MAX;
    if (rng_chance(&rng, 20))
        timeout = UINT32_MAX;
    CHECK_EQ(dco_control_peer_set(p, id, interval, timeout, now), peer ? 0 : -ENOENT);
    if (peer == NULL)
        return;
    if (interval != UINT32_MAX)
        peer->interval_s = interval;
    if (timeout != UINT32_MAX)
        peer->timeout_s = timeout;
    peer->timers = now;
}

/* The key leaves its slot, for one that encrypts or for none. */
static void
model_retire(struct model_peer *peer, struct model_key old)
{
    if (!peer->key[0].there)
        peer->retired.there = false;
    if (!old.there || !peer->key[0].there || old.number > peer->key[0].number)
        return;
    peer->retired = old;
    peer->retired_end = now + DCO_KEY_RETIRED_NS;
}

static void
step_key_new(void)
{
    uint32_t id = random_id(), slot = rng_below(&rng, 2), key_id = rng_below(&rng, 8);
    uint64_t number = rng_chance(&rng, 10) ? rng_below(&rng, (uint32_t)m.fresh + 1) : m.fresh;
    struct model_peer *peer = model_find(id);
    int expected = peer == NULL ? -ENOENT : m.used[number] ? -EEXIST : 0;
    struct model_key old;
    int err;

    if (m.fresh + 1 >= KEYS_MAX)
        return;
    err = key_install(&platform, p, id, (enum dco_slot)slot, (uint8_t)key_id, number, now);
    if (err == -ENOMEM && platform.fail_in == -1)
        expected = err;
    CHECK_EQ(err, expected);
    if (err != 0)
        return;
    m.used[number] = true;
    m.fresh += number == m.fresh;
    old = peer->key[slot];
    peer->key[slot] = (struct model_key){true, (uint8_t)key_id, ++m.installs};
    model_retire(peer, old);
}

static void
step_key_swap(void)
{
    uint32_t id = random_id();
    struct model_peer *peer = model_find(id);
    struct model_key key;

    CHECK_EQ(dco_control_key_swap(p, id), peer ? 0 : -ENOENT);
    if (peer == NULL)
        return;
    key = peer->key[0];
    peer->key[0] = peer->key[1];
    peer->key[1] = key;
}

static void
step_key_del(void)
{
    uint32_t id = random_id(), slot = rng_below(&rng, 2);
    struct model_peer *peer = model_find(id);
    struct model_key old;

    CHECK_EQ(dco_control_key_del(p, id, (enum dco_slot)slot, now), peer ? 0 : -ENOENT);
    if (peer == NULL)
        return;
    old = peer->key[slot];
    peer->key[slot].there = false;
    model_retire(peer, old);
}

static void
step_float(void)
{
    uint32_t id = random_id(), host = 1 + rng_below(&rng, HOSTS);
    struct dco_peer *real = dco_peers_by_id(p, id);
    struct model_peer *peer = model_find(id);
    struct dco_path path = path4(host, 1);
    bool moves, moved;

    if (real == NULL || peer == NULL)
        return;
    moves = peer->host != host && (peer->last_float == 0 || now >= peer->last_float + SECOND / 100);
    moved = dco_peers_seen_from(p, real, &path, now);
    if (moves && !moved && platform.fail_in == -1)
        return; /* memory ran out */
    CHECK_EQ(moved, moves);
    if (!moved)
        return;
    list_del(&m.host[peer->host], peer);
    list_add(&m.host[host], peer, false);
    peer->host = host;
    peer->last_float = now;
    model_raise(peer, DCO_EVENT_FLOAT);
}

static void
step_traffic(void)
{
    uint32_t id = random_id();
    struct dco_peer *real = dco_peers_by_id(p, id);
    struct model_peer *peer = model_find(id);

    if (real == NULL || peer == NULL)
        return;
    dco_store(&real->last_rx_ns, now);
    peer->last_rx = now;
    if (rng_chance(&rng, 50)) {
        dco_store(&real->last_tx_ns, now);
        peer->last_tx = now;
    }
}

static void
step_want_key(void)
{
    uint32_t id = random_id();
    struct dco_peer *real = dco_peers_by_id(p, id);
    struct model_peer *peer = model_find(id);

    if (real == NULL || peer == NULL)
        return;
    if (dco_peer_key_tx(real) != NULL)
        dco_store(&dco_peer_key_tx(real)->wanted, 1);
    dco_peers_want_key(p, real);
    if (peer->key[0].there)
        model_raise(peer, DCO_EVENT_KEY_WANTED);
}

static uint64_t
latest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool
model_expires(const struct model_peer *peer, uint64_t at)
{
    return peer->timeout_s != 0 &&
           at >= latest(peer->last_rx, peer->timers) + peer->timeout_s * SECOND;
}

static bool
model_owes(const struct model_peer *peer, uint64_t at)
{
    return peer->interval_s != 0 && peer->key[0].there &&
           at >= latest(peer->last_tx, peer->timers) + peer->interval_s * SECOND;
}

static bool
model_anything_due(uint64_t at)
{
    for (uint32_t i = 0; i < m.peers; i++) {
        const struct model_peer *peer = &m.peer[i];

        if (peer->alive && (model_expires(peer, at) || model_owes(peer, at) ||
                            (peer->retired.there && peer->retired_end <= at)))
            return true;
    }
    return false;
}

/* The peers that owe a keepalive, newest first; those that expired are gone. */
static unsigned
model_tick(uint32_t *owing)
{
    unsigned n = 0;

    for (uint32_t i = m.peers; i-- > 0;) {
        struct model_peer *peer = &m.peer[i];

        if (!peer->alive)
            continue;
        if (peer->retired_end <= now)
            peer->retired.there = false;
        if (model_expires(peer, now)) {
            model_remove(peer, DCO_DEL_EXPIRED);
        } else if (model_owes(peer, now)) {
            peer->last_tx = now;
            owing[n++] = peer->id;
        }
    }
    return n;
}

static void
step_tick(void)
{
    struct dco_peer *due[IDS];
    uint32_t owing[IDS];
    uint64_t next;
    bool looks = now >= p->tick_ns;
    unsigned n = dco_peers_tick(p, now, due, IDS, &next);

    if (!looks) { /* within a grain of the last time */
        CHECK_EQ(n, 0);
        CHECK(!model_anything_due(now - DCO_TIMER_GRAIN_NS));
        return;
    }
    CHECK_EQ(n, model_tick(owing));
    CHECK(next >= now + DCO_TIMER_GRAIN_NS || n == IDS);
    for (unsigned i = 0; i < n; i++) {
        CHECK_EQ(due[i]->id, owing[i]);
        dco_peer_put(due[i]);
    }
}

static void
step_event(void)
{
    struct model_peer *peer = m.event_head;
    struct dco_event event;
    uint32_t kind;

    CHECK_EQ(dco_event_take(p, &event), peer != NULL);
    if (peer == NULL)
        return;
    kind = peer->events & DCO_EVENT_FLOAT        ? DCO_EVENT_FLOAT
           : peer->events & DCO_EVENT_KEY_WANTED ? DCO_EVENT_KEY_WANTED
                                                 : DCO_EVENT_DEL;
    CHECK_EQ(event.kind, kind);
    CHECK_EQ(event.peer_id, peer->id);
    if (kind == DCO_EVENT_DEL)
        CHECK_EQ(event.del_reason, peer->del_reason);
    if (kind == DCO_EVENT_FLOAT) {
        struct dco_endpoint remote = endpoint4(peer->host, 1);

        CHECK(dco_endpoint_equal(&event.remote, &remote));
    }
    peer->events &= ~kind;
    if (peer->events == 0)
        m.event_head = peer->next_event;
}

/* Comparison */

static void
compare_peer(const struct dco_peer *real, const struct model_peer *peer)
{
    CHECK_EQ(real != NULL, peer != NULL);
    if (real == NULL)
        return;
    CHECK_EQ(((const struct test_transport *)real->transport)->number, peer->number);
}

static const struct model_peer *
model_only(void)
{
    for (uint32_t i = 0; i < m.peers; i++) {
        if (m.peer[i].alive)
            return &m.peer[i];
    }
    return NULL;
}

static void
compare_lookups(void)
{
    for (uint32_t i = 1; i <= ADDRESSES; i++) {
        struct dco_ip v4 = ip4(10, 8, 0, (uint8_t)i), v6 = ip6(i);
        bool mp = m.mode == DCO_MODE_MP;

        compare_peer(dco_peers_by_dest(p, &v4), mp ? list_first(&m.v4[i]) : model_only());
        compare_peer(dco_peers_by_dest(p, &v6), mp ? list_first(&m.v6[i]) : model_only());
    }
    for (uint32_t host = 1; host <= HOSTS; host++) {
        struct dco_endpoint remote = endpoint4(host, 1);

        compare_peer(dco_peers_by_remote(p, &remote), list_first(&m.host[host]));
    }
}

static void
compare_keys(const struct dco_peer *real, const struct model_peer *peer)
{
    const struct dco_key *tx = dco_peer_key_tx(real);

    CHECK_EQ(tx != NULL, peer->key[0].there);
    if (tx != NULL)
        CHECK_EQ(tx->key_id, peer->key[0].key_id);
    for (uint8_t id = 0; id < 8; id++) {
        const struct dco_key *rx = dco_peer_key_rx(real, id);
        const struct model_key *a = &peer->key[0], *b = &peer->key[1];
        bool in_a = a->there && a->key_id == id, in_b = b->there && b->key_id == id;

        if (!in_a && !in_b) {
            CHECK_EQ(rx != NULL, peer->retired.there && peer->retired.key_id == id);
            CHECK(rx == NULL || rx == real->retired);
            continue;
        }
        CHECK(rx != NULL);
        CHECK_EQ(rx == tx, in_a && (!in_b || a->number > b->number));
    }
}

static void
compare_all(void)
{
    struct dco_peer_info info;
    uint32_t alive = 0, from = 0;

    for (size_t i = 0; i < IDS; i++) {
        const struct dco_peer *real = dco_peers_by_id(p, ids[i]);
        const struct model_peer *peer = model_find(ids[i]);

        compare_peer(real, peer);
        if (real == NULL || peer == NULL)
            continue;
        compare_keys(real, peer);
        CHECK_EQ(dco_control_peer_next(p, from, &info), 0);
        CHECK_EQ(info.id, ids[i]);
        CHECK_EQ(info.interval_s, peer->interval_s);
        CHECK_EQ(info.timeout_s, peer->timeout_s);
        from = info.id + 1;
        alive++;
    }
    CHECK_EQ(p->count, alive);
    compare_lookups();
}

static void
step(void)
{
    static void (*const steps[])(void) = {
        step_new,      step_new,     step_new,   step_del,     step_transport_gone, step_set,
        step_key_new,  step_key_new, step_float, step_float,   step_float,          step_traffic,
        step_want_key, step_tick,    step_event, step_key_del, step_key_swap,
    };

    now += rng_chance(&rng, 30) ? rng_next(&rng) % (SECOND / 20) : rng_next(&rng) % (3 * SECOND);
    platform.fail_in = rng_chance(&rng, 10) ? (long)rng_below(&rng, 3) : -2;
    steps[rng_below(&rng, sizeof(steps) / sizeof(steps[0]))]();
    platform.fail_in = -2;
    if (rng_chance(&rng, 20))
        platform_run_deferred(&platform);
}

static void
sequence(enum dco_mode mode, unsigned length)
{
    platform_init(&platform, PLATFORM_DELAYED);
    p = peers_make(&platform, mode);
    m = (struct model){.mode = mode, .peer = calloc(PEERS_MAX, sizeof(struct model_peer))};
    now = SECOND;
    for (unsigned i = 0; i < length && m.peers < PEERS_MAX - 1; i++) {
        step();
        peers_sound(p);
        compare_all();
    }
    free(m.peer);
    peers_free(p);
    platform_fini(&platform);
}

TEST("control: random sequences beside the model")
{
    rng = test_rng();
    for (unsigned i = 0; i < test_rounds(4); i++)
        sequence(DCO_MODE_MP, 8000);
    for (unsigned i = 0; i < test_rounds(200); i++)
        sequence(DCO_MODE_MP, 100);
}

TEST("control: random sequences, point to point")
{
    rng = test_rng();
    for (unsigned i = 0; i < test_rounds(3); i++)
        sequence(DCO_MODE_P2P, 5000);
}
