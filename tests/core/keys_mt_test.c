/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that encrypt under one key: no packet id twice, none beyond the last, one notification,
 * sending in order.
 */
#include "atomic.h"
#include "harness.h"
#include "keys_private.h"

#include <sched.h>

#define THREADS 4U
#define IDS     60000U /* before the limit */

static struct home home;
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

    home_init(&home, HOME_IMMEDIATE);
    req.crypto = home_crypto(&home);
    key = dco_key_new(&home.env, &req, 1, 0);
    asked = refused = 0;
    charged = 0;
    given = calloc(IDS, 1);
}

static void
end_key(void)
{
    free(given);
    dco_key_put(key);
    home_fini(&home);
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

        if (!check(index < IDS))
            return;
        check_equal(dco_fetch_add(&given[index], 1), 0);
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
            check_equal(refusals, 0);
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
        check_equal(given[i], i < n);
}

static void
last_ids(void)
{
    make_key();
    start = DCO_PACKET_ID_MAX + 1 - IDS;
    key->tx_next = start;
    key->wanted = 0;
    run_threads(reserve_until_refused);
    check(count_given() > IDS - 64);
    check_contiguous(count_given());
    check_equal(asked, 2); /* when the first id was given, and when none was left */
    check_equal(refused, THREADS * 50);
    end_key();
}

static void
soft_limit(void)
{
    make_key();
    start = DCO_PACKET_ID_SOFT - IDS / 2;
    key->tx_next = start;
    key->tx_blocks = DCO_GCM_BLOCKS_MAX - (uint64_t)IDS * 3;
    key->wanted = 0;
    run_threads(reserve_until_refused);
    check_equal(asked, 2);
    end_key();
}

static void
blocks(void)
{
    make_key();
    start = 1;
    key->tx_blocks = DCO_GCM_BLOCKS_MAX - (uint64_t)(IDS - 100) * 3;
    run_threads(reserve_until_refused);
    check(charged <= (uint64_t)(IDS - 100) * 3);
    check(charged > (uint64_t)(IDS - 100 - 64 * THREADS) * 3);
    check_contiguous(count_given());
    check_equal((long long)charged, 3LL * count_given());
    check_equal(asked, 2);
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
        check_equal((long long)wire_next, first);
        wire_next = (uint64_t)first + n;
        dco_key_sent(key, first, n);
    }
    return NULL;
}

static void
order(void)
{
    make_key();
    wire_next = 1;
    run_threads(send_in_order);
    check_equal((long long)wire_next, (long long)key->tx_next);
    end_key();

    make_key(); /* up to the last id, where reservations fail */
    wire_next = key->tx_next = key->tx_sent = DCO_PACKET_ID_MAX - 5000;
    run_threads(send_in_order);
    check(wire_next <= DCO_PACKET_ID_MAX + 1);
    check(wire_next > DCO_PACKET_ID_MAX - 32);
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

static void
failures(void)
{
    make_key();
    failures_asked = 0;
    key->rx_failures = DCO_AUTH_FAILURES_SOFT - 30000;
    key->rx_blocks = DCO_GCM_BLOCKS_SOFT - 30000;
    run_threads(fail);
    check_equal(failures_asked, 1);
    check_equal((long long)key->rx_failures, (long long)DCO_AUTH_FAILURES_SOFT - 30000 + 80000);
    end_key();
}

static void *
hold(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 20000; i++) {
        check(dco_key_get(key));
        dco_key_put(key);
    }
    return NULL;
}

static void
references(void)
{
    make_key();
    run_threads(hold);
    check_equal(key->refs, 1);
    end_key();
}

static const struct test tests[] = {
    {"keys, threads: every id up to the last, once", last_ids},
    {"keys, threads: soft limit and end each ask once", soft_limit},
    {"keys, threads: the block bound holds", blocks},
    {"keys, threads: sent in order", order},
    {"keys, threads: failures are all counted, one asks", failures},
    {"keys, threads: references", references},
};
HARNESS_MAIN(tests)
