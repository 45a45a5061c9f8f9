/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home for the core (struct dco_env) that counts everything alive, fails allocations on request,
 * and defers in three ways.
 */
#ifndef HOME_H
#define HOME_H

#include <pthread.h>

#include "control.h"
#include "harness.h"
#include "home.h"

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
