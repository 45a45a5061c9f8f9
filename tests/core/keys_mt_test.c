/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that encrypt under one key: no packet id twice, none beyond the last, one notification,
 * sending in order.
 */
#include <sched.h>

#include "atomic.h"
#include "harness.h"
#include "keys_private.h"
#include "platform.h"

#define THREADS 4U
#define IDS     60000U /* before the limit */

static struct platform platform;
static struct dco_key *key;
static uint8_t *given; /* THREADS write distinct elements */
static uint64_t start;
static uint32_t asked, refused; /* atomic */
static uint64_t charged;        /* atomic; cost of what was granted */

static void
make_key(void)
{
    static const uint8_t tail[DCO_NONCE_TAIL_LEN];
    struct dco_key_new req = {
        .cipher = DCO_CIPHER_AES_GCM, .key_len = 16, .tx_tail = tail, .rx_tail = tail};

    platform_init(&platform, PLATFORM_IMMEDIATE);
    req.crypto = platform_crypto(&platform);
    key = dco_key_new(&platform.env, &req, 1, 0);
    asked = refused = 0;
    charged = 0;
    given = calloc(IDS, 1);
}

static void
end_key(void)
{
    free(given);
    dco_key_put(key);
    platform_fini(&platform);
}

static void
run_threads(void *(*body)(void *))
{
    pthread_t thread[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, body, (void *)i);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

static void
mark(uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t index = first + (uint64_t)i - start;

        CHECK(index < IDS);
        CHECK_EQ(dco_fetch_add(&given[index], 1), 0);
    }
}

static void *
reserve_until_refused(void *arg)
{
    struct rng rng = {(uintptr_t)arg + 1};

    for (unsigned refusals = 0; refusals < 50;) {
        uint32_t n = 1 + rng_below(&rng, 64), first;
        bool want = false;

        if (dco_key_reserve(key, n, n * 3, &first, &want) == DCO_DROP_NONE) {
            CHECK_EQ(refusals, 0);
            mark(first, n);
            dco_add(&charged, (uint64_t)n * 3);
        } else {
            refusals++;
            dco_add(&refused, 1);
        }
        dco_add(&asked, want);
    }
    return NULL;
}

static uint32_t
count_given(void)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < IDS; i++)
        n += given[i];
    return n;
}

/* What was given out has no hole: dco_key_turn() needs that. */
static void
check_contiguous(uint32_t n)
{
    for (uint32_t i = 0; i < IDS; i++)
        CHECK_EQ(given[i], i < n);
}

TEST("keys, threads: every id up to the last, once")
{
    make_key();
    start = DCO_PACKET_ID_MAX + 1 - IDS;
    key->tx_next = start;
    key->wanted = 0;
    run_threads(reserve_until_refused);
    CHECK(count_given() > IDS - 64);
    check_contiguous(count_given());
    CHECK_EQ(asked, 2); /* when the first id was given, and when none was left */
    CHECK_EQ(refused, THREADS * 50);
    end_key();
}

TEST("keys, threads: soft limit and end each ask once")
{
    make_key();
    start = DCO_PACKET_ID_SOFT - IDS / 2;
    key->tx_next = start;
    key->tx_blocks = DCO_GCM_BLOCKS_MAX - (uint64_t)IDS * 3;
    key->wanted = 0;
    run_threads(reserve_until_refused);
    CHECK_EQ(asked, 2);
    end_key();
}

TEST("keys, threads: the block bound holds")
{
    make_key();
    start = 1;
    key->tx_blocks = DCO_GCM_BLOCKS_MAX - (uint64_t)(IDS - 100) * 3;
    run_threads(reserve_until_refused);
    CHECK(charged <= (uint64_t)(IDS - 100) * 3);
    CHECK(charged > (uint64_t)(IDS - 100 - 64 * THREADS) * 3);
    check_contiguous(count_given());
    CHECK_EQ((long long)charged, 3LL * count_given());
    CHECK_EQ(asked, 2);
    end_key();
}

/* The stand-in for a socket: only the thread whose turn it is writes it. */
static uint64_t wire_next;

static void *
send_in_order(void *arg)
{
    struct rng rng = {(uintptr_t)arg + 99};

    for (unsigned i = 0; i < 3000; i++) {
        uint32_t n = 1 + rng_below(&rng, 32), first;
        bool want;

        if (dco_key_reserve(key, n, n, &first, &want) != DCO_DROP_NONE)
            break;
        while (!dco_key_turn(key, first))
            sched_yield();
        CHECK_EQ((long long)wire_next, first);
        wire_next = (uint64_t)first + n;
        dco_key_sent(key, first, n);
    }
    return NULL;
}

TEST("keys, threads: sent in order")
{
    make_key();
    wire_next = 1;
    run_threads(send_in_order);
    CHECK_EQ((long long)wire_next, (long long)key->tx_next);
    end_key();

    make_key(); /* up to the last id, where reservations fail */
    wire_next = key->tx_next = key->tx_sent = DCO_PACKET_ID_MAX - 5000;
    run_threads(send_in_order);
    CHECK(wire_next <= DCO_PACKET_ID_MAX + 1);
    CHECK(wire_next > DCO_PACKET_ID_MAX - 32);
    end_key();
}

static uint32_t failures_asked; /* atomic */

static void *
fail(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 20000; i++)
        dco_add(&failures_asked, dco_key_failed(key, 1) + dco_key_opened(key, 1));
    return NULL;
}

TEST("keys, threads: failures are all counted, one asks")
{
    make_key();
    failures_asked = 0;
    key->rx_failures = DCO_AUTH_FAILURES_SOFT - 30000;
    key->rx_blocks = DCO_GCM_BLOCKS_SOFT - 30000;
    run_threads(fail);
    CHECK_EQ(failures_asked, 1);
    CHECK_EQ((long long)key->rx_failures, (long long)DCO_AUTH_FAILURES_SOFT - 30000 + 80000);
    end_key();
}

static void *
hold(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 20000; i++) {
        CHECK(dco_key_get(key));
        dco_key_put(key);
    }
    return NULL;
}

TEST("keys, threads: references")
{
    make_key();
    run_threads(hold);
    CHECK_EQ(key->refs, 1);
    end_key();
}
