/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A platform for the tests of the core: it counts everything alive, fails allocations on request,
 * and defers in three ways.
 */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <pthread.h>

#include "control.h"
#include "harness.h"

enum platform_defer {
    PLATFORM_IMMEDIATE, /* single thread, no reader open: run at once */
    PLATFORM_DELAYED,   /* platform_run_deferred() runs them */
    PLATFORM_GRACE, /* readers use platform_enter() and platform_leave(); platform_run_deferred()
                       waits for them */
};

struct platform {
    struct dco_env env;
    enum platform_defer how;
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

void platform_init(struct platform *platform, enum platform_defer how);
/* Runs what is deferred and checks that nothing is left alive. */
void platform_fini(struct platform *platform);

void platform_enter(struct platform *platform);
void platform_leave(struct platform *platform);
void platform_run_deferred(struct platform *platform);

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
struct test_crypto *platform_crypto(struct platform *platform);
/* For a crypto that the core did not take. */
void platform_crypto_drop(struct platform *platform, struct test_crypto *crypto);
struct test_transport *platform_transport(struct platform *platform, uint32_t number);
void platform_transport_get(struct platform *platform, struct test_transport *t);
void platform_transport_put(struct platform *platform, struct test_transport *t);

/* struct dco_peers is large: on the heap, and gone with peers_free(). */
struct dco_peers *peers_make(struct platform *platform, enum dco_mode mode);
void peers_free(struct dco_peers *p);
/* Checks that the set agrees with itself. */
void peers_sound(struct dco_peers *p);

/* A key whose material follows from number: equal numbers are equal keys. AES-256. Returns what
 * dco_control_key_new() does; a crypto that was not taken is gone. */
int key_install(struct platform *platform, struct dco_peers *p, uint32_t peer_id,
                enum dco_slot slot, uint8_t key_id, uint64_t number, uint64_t now_ns);

#endif
