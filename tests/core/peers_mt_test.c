/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything at once: readers that look peers up, encrypt, float and ask for keys; a thread that
 * gives commands, one for the timers, one that takes events. Under the thread sanitizer.
 */
#include <sched.h>

#include "addresses.h"
#include "events.h"
#include "harness.h"
#include "keys_private.h"
#include "peers_private.h"
#include "platform.h"
#include "timers.h"

#define READERS 2U
#define IDS     24U
#define HOSTS   16U
#define SECOND  1000000000ULL

static struct platform platform;
static struct dco_peers *p;
static uint32_t stop;     /* atomic */
static uint64_t clock_ns; /* atomic; the command thread moves it */
static uint64_t deleted;  /* atomic; DEL events taken */
static uint64_t made, found, floated, sealed;

/* Both halves of a path name the same host, so that a torn copy shows. */
static struct dco_path
whole_path(uint32_t host)
{
    struct dco_path path = path4(host, (uint16_t)(host + 7));

    path.local = ip4(203, 0, 113, (uint8_t)host);
    return path;
}

static void
check_whole(const struct dco_peer *peer)
{
    struct dco_path path, want;

    dco_peer_path(peer, &path);
    want = whole_path(path.local.addr[3]);
    CHECK_MEM(&path, &want, sizeof(path));
}

static void
use_keys(const struct dco_peer *peer, struct rng *rng)
{
    struct dco_key *tx = dco_peer_key_tx(peer);
    struct dco_key *rx = dco_peer_key_rx(peer, (uint8_t)rng_below(rng, 8));
    uint32_t first;
    bool want;

    if (tx != NULL) {
        CHECK_EQ(((struct test_crypto *)tx->crypto)->alive, TEST_ALIVE);
        if (dco_key_reserve(tx, 4, 400, &first, &want) == DCO_DROP_NONE)
            dco_add(&sealed, 4);
    }
    if (rx != NULL && dco_key_get(rx)) {
        dco_lock_acquire(&rx->replay_lock);
        dco_replay_accept(&rx->replay, 1 + rng_below(rng, 5000), dco_load(&clock_ns));
        dco_lock_release(&rx->replay_lock);
        dco_key_put(rx);
    }
}

static struct dco_peer *
look_up(struct rng *rng)
{
    struct dco_endpoint remote = whole_path(1 + rng_below(rng, HOSTS)).remote;
    struct dco_ip dst = ip4(10, 8, 0, (uint8_t)(1 + rng_below(rng, IDS)));
    struct dco_ip net = ip4(192, 168, (uint8_t)(1 + rng_below(rng, IDS)), 9);

    switch (rng_below(rng, 4)) {
    case 0:
        return dco_peers_by_remote(p, &remote);
    case 1:
        return dco_peers_by_dest(p, &dst);
    case 2:
        return dco_peers_by_dest(p, &net);
    default:
        return dco_peers_by_id(p, 1 + rng_below(rng, IDS));
    }
}

static void
burst(struct rng *rng)
{
    struct dco_peer *peer = look_up(rng);
    struct dco_path path = whole_path(1 + rng_below(rng, HOSTS));

    if (peer == NULL)
        return;
    dco_add(&found, 1);
    CHECK(peer->id >= 1 && peer->id <= IDS);
    check_whole(peer);
    use_keys(peer, rng);
    dco_peer_count(peer, DCO_LINK_RX, 1, 0);
    dco_store(&peer->last_rx_ns, dco_load(&clock_ns));
    if (rng_chance(rng, 5))
        dco_add(&floated, dco_peers_seen_from(p, peer, &path, dco_load(&clock_ns)));
    if (rng_chance(rng, 2))
        dco_peers_want_key(p, peer);
}

/* Now and then a peer is kept beyond the read section, as asynchronous work does. */
static void *
reader(void *arg)
{
    struct rng rng = {(uintptr_t)arg + 17};
    struct dco_peer *kept = NULL;

    while (!dco_load(&stop)) {
        platform_enter(&platform);
        for (unsigned i = 0; i < 16; i++)
            burst(&rng);
        if (kept == NULL) {
            kept = look_up(&rng);
            if (kept != NULL && !dco_peer_get(kept))
                kept = NULL;
        }
        platform_leave(&platform);
        if (kept != NULL && rng_chance(&rng, 30)) {
            check_whole(kept);
            dco_peer_put(kept);
            kept = NULL;
        }
        sched_yield();
    }
    if (kept != NULL)
        dco_peer_put(kept);
    return NULL;
}

static void *
timers(void *arg)
{
    struct dco_peer *due[4];
    uint64_t next;

    (void)arg;
    while (!dco_load(&stop)) {
        unsigned n = dco_peers_tick(p, dco_load(&clock_ns), due, 4, &next);

        while (n > 0)
            dco_peer_put(due[--n]);
        platform_run_deferred(&platform);
        sched_yield();
    }
    return NULL;
}

static void
take_all(void)
{
    struct dco_event event;

    while (dco_event_take(p, &event))
        dco_add(&deleted, event.kind == DCO_EVENT_DEL);
}

static void *
events(void *arg)
{
    (void)arg;
    while (!dco_load(&stop)) {
        take_all();
        sched_yield();
    }
    return NULL;
}

static void
publish_routes(struct rng *rng)
{
    struct dco_route route[IDS];

    for (uint32_t i = 0; i < IDS; i++)
        route[i] = (struct dco_route){
            .prefix = ip4(192, 168, (uint8_t)(1 + i), 0),
            .len = 24,
            .gateway = ip4(10, 8, 0, (uint8_t)(1 + rng_below(rng, IDS))),
        };
    if (rng_chance(rng, 50))
        dco_peers_set_iroutes(p, dco_routes_new(&platform.env, route, IDS));
    else
        dco_peers_set_routes(p, dco_routes_new(&platform.env, route, IDS));
}

static void
new_peer(uint32_t id, struct rng *rng)
{
    struct dco_peer_new req = {.id = id,
                               .tx_id = id,
                               .vpn4 = ip4(10, 8, 0, (uint8_t)(1 + rng_below(rng, IDS))),
                               .path = whole_path(1 + rng_below(rng, HOSTS)),
                               .share_vpn = true,
                               .transport = platform_transport(&platform, id)};

    if (dco_control_peer_new(p, &req, dco_load(&clock_ns)) == 0)
        made++;
    else
        platform_transport_put(&platform, req.transport);
}

static void
command(struct rng *rng, uint64_t number)
{
    uint32_t id = 1 + rng_below(rng, IDS);
    enum dco_slot slot = (enum dco_slot)rng_below(rng, 2);
    struct dco_peer_info info;
    int err = 0;

    switch (rng_below(rng, 9)) {
    case 0:
    case 1:
        new_peer(id, rng);
        break;
    case 2:
        err = dco_control_peer_del(p, id, DCO_DEL_USERSPACE);
        break;
    case 3:
        err = dco_control_peer_set(p, id, 1 + rng_below(rng, 3), rng_below(rng, 5),
                                   dco_load(&clock_ns));
        break;
    case 4:
    case 5:
        err = key_install(&platform, p, id, slot, (uint8_t)rng_below(rng, 8), number, 0);
        break;
    case 6:
        err = dco_control_key_swap(p, id);
        break;
    case 7:
        err = rng_chance(rng, 70) ? dco_control_key_del(p, id, slot, dco_load(&clock_ns))
                                  : dco_control_peer_get(p, id, &info);
        break;
    default:
        publish_routes(rng);
        break;
    }
    CHECK(err == 0 || err == -ENOENT);
}

static void
commands(void)
{
    struct rng rng = test_rng();
    unsigned rounds = test_rounds(20000);

    for (unsigned i = 0; i < rounds; i++) {
        command(&rng, i);
        dco_add(&clock_ns, SECOND / 100);
        if (i % 16 == 0)
            sched_yield();
    }
}

TEST("peers, threads: everything at once")
{
    pthread_t thread[READERS + 2];

    platform_init(&platform, PLATFORM_GRACE);
    p = peers_make(&platform, DCO_MODE_MP);
    clock_ns = SECOND;
    stop = 0;
    for (uintptr_t i = 0; i < READERS; i++)
        pthread_create(&thread[i], NULL, reader, (void *)i);
    pthread_create(&thread[READERS], NULL, timers, NULL);
    pthread_create(&thread[READERS + 1], NULL, events, NULL);
    commands();
    dco_store(&stop, 1);
    for (unsigned i = 0; i < READERS + 2; i++)
        pthread_join(thread[i], NULL);
    take_all();
    CHECK_EQ((long long)made, (long long)deleted + p->count); /* one DEL for each that went */
    CHECK(found > 0 && floated > 0 && sealed > 0);
    peers_free(p);
    platform_fini(&platform);
}

/* One peer, whose path changes without pause. */
static void *
path_reader(void *arg)
{
    const struct dco_peer *peer = arg;

    for (unsigned i = 0; i < 200000 && !dco_load(&stop); i++)
        check_whole(peer);
    dco_store(&stop, 1);
    return NULL;
}

TEST("peers, threads: paths are whole")
{
    struct dco_peer_new req = {.id = 1, .tx_id = 1, .path = whole_path(1)};
    struct dco_path path[2] = {whole_path(0x55), whole_path(0xaa)}, first;
    pthread_t thread;

    platform_init(&platform, PLATFORM_GRACE);
    p = peers_make(&platform, DCO_MODE_P2P);
    CHECK_EQ(dco_control_peer_new(p, &req, 0), 0);
    dco_peer_path(p->only, &first);
    dco_store(&stop, 0);
    pthread_create(&thread, NULL, path_reader, p->only);
    for (unsigned i = 0; !dco_load(&stop); i++) {
        dco_lock_acquire(&p->lock);
        dco_peer_set_path(p->only, &path[i % 2]);
        dco_lock_release(&p->lock);
    }
    pthread_join(thread, NULL);
    dco_lock_acquire(&p->lock);
    dco_peer_set_path(p->only, &first); /* that is where the tables have it */
    dco_lock_release(&p->lock);
    peers_free(p);
    platform_fini(&platform);
}
