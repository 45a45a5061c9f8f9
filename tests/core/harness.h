/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core's test programs share: tests and checks reported in TAP, a seeded random generator,
 * and a home for the core (struct dco_env) that counts everything alive, fails allocations on
 * request, and defers in three ways.
 *
 * Environment: TEST_SEED=n (decimal) repeats a run; TEST_ROUNDS=n multiplies the random work.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "control.h"

/* Tests */

struct test {
    const char *name;
    void (*run)(void);
};

/* Runs all, prints one TAP line per test, the plan and "N passed, N failed". The exit status. */
int harness_main(const struct test *tests, size_t n);
#define HARNESS_MAIN(tests)                                                                        \
    int main(void)                                                                                 \
    {                                                                                              \
        return harness_main(tests, sizeof(tests) / sizeof(tests[0]));                              \
    }

/* Any thread. A failed check is printed (at most 20 per test) and fails the test that runs; the
 * value says whether it held. */
bool harness_check(bool held, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define check(condition)  harness_check((condition), __FILE__, __LINE__, "%s", #condition)
#define check_equal(a, b) harness_equal((a), (b), __FILE__, __LINE__, #a " == " #b)
bool harness_equal(long long a, long long b, const char *file, int line, const char *what);

/* Marks the test that runs as skipped; the caller returns. */
void harness_skip(const char *why);

/* rounds multiplied by TEST_ROUNDS, and never less than 1. */
unsigned harness_rounds(unsigned rounds);

/* Random numbers (splitmix64). Each test starts from a seed made of TEST_SEED and its name. */

struct rng {
    uint64_t state;
};

struct rng harness_rng(void);
uint64_t rng_next(struct rng *rng);
uint32_t rng_below(struct rng *rng, uint32_t n); /* 0 .. n - 1 */
bool rng_chance(struct rng *rng, uint32_t percent);
void rng_bytes(struct rng *rng, void *p, size_t len);

/* The home */

enum home_defer {
    HOME_IMMEDIATE, /* single thread, no reader open: run at once */
    HOME_DELAYED,   /* home_run_deferred() runs them */
    HOME_GRACE, /* readers use home_enter() and home_leave(); home_run_deferred() waits for them */
};

struct home {
    struct dco_env env;
    enum home_defer how;
    pthread_mutex_t mutex;
    struct dco_deferred *deferred;           /* mutex; newest first */
    void (*end_own)(struct dco_deferred *d); /* const; for what a test itself defers, kind 0 */
    pthread_rwlock_t readers;
    long fail_in;  /* mutex; the allocation after this many more fails; -1: none */
    bool fail_all; /* mutex; and every later one too */
    /* mutex; alive */
    long allocations, bytes, cryptos, transports;
    long allocated;                                       /* mutex; successful allocations ever */
    long wakes;                                           /* mutex */
    void (*before_free)(const void *object, size_t size); /* NULL, or looks at what is freed */
};

void home_init(struct home *home, enum home_defer how);
/* Runs what is deferred and checks that nothing is left alive. */
void home_fini(struct home *home);

void home_enter(struct home *home);
void home_leave(struct home *home);
void home_run_deferred(struct home *home);

/* A keyed cipher (a struct test_crypto) and a transport; both end through env. */
struct test_crypto {
    uint8_t tx[32], rx[32];
    uint32_t alive;   /* TEST_ALIVE until it ended */
    uint32_t last_id; /* for tests that seal: the highest packet id so far */
};
struct test_transport {
    uint32_t refs;
    uint32_t number;
};
#define TEST_ALIVE 0x600dc0deU
struct test_crypto *home_crypto(struct home *home);
/* For a crypto that the core did not take. */
void home_crypto_drop(struct home *home, struct test_crypto *crypto);
struct test_transport *home_transport(struct home *home, uint32_t number);
void home_transport_get(struct home *home, struct test_transport *t);
void home_transport_put(struct home *home, struct test_transport *t);

/* Short ways to write arguments */

struct dco_ip ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
/* The last 8 bytes; the first 8 are 2001:db8::. */
struct dco_ip ip6(uint64_t low);
/* 192.0.2.0/24 and up: host counts from 192.0.0.0. port in host order. */
struct dco_endpoint endpoint4(uint32_t host, uint16_t port);
struct dco_path path4(uint32_t host, uint16_t port);

/* struct dco_peers is large: on the heap, and gone with peers_free(). */
struct dco_peers *peers_make(struct home *home, enum dco_mode mode);
void peers_free(struct dco_peers *p);
/* Checks that the set agrees with itself. */
void peers_sound(struct dco_peers *p);

/* A key whose material follows from number: equal numbers are equal keys. AES-256. Returns what
 * dco_control_key_new() does; a crypto that was not taken is gone. */
int key_install(struct home *home, struct dco_peers *p, uint32_t peer_id, enum dco_slot slot,
                uint8_t key_id, uint64_t number, uint64_t now_ns);

#endif
