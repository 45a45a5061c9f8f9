/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home for the core (env.h) that counts what is alive. A file of its own: programs that are
 * linked with another home, as the plane's, leave this one in the archive.
 */
#include "home.h"
#include "validate.h"

#define ALLOC_HEAD                                                                                 \
    64U /* before each allocation: its size, and a cache line so that it is aligned */

static bool
allocation_fails(struct home *home)
{
    if (home->fail_in < 0)
        return false;
    if (home->fail_in > 0) {
        home->fail_in--;
        return false;
    }
    if (!home->fail_all)
        home->fail_in = -1;
    return true;
}

void *
dco_env_alloc(const struct dco_env *env, size_t size)
{
    struct home *home = env->platform;
    size_t bytes = (size + ALLOC_HEAD + 63) & ~(size_t)63;
    uint8_t *p = NULL;

    pthread_mutex_lock(&home->mutex);
    if (!allocation_fails(home))
        p = aligned_alloc(64, bytes);
    if (p != NULL) {
        home->allocations++;
        home->bytes += (long)size;
        home->allocated++;
    }
    pthread_mutex_unlock(&home->mutex);
    if (p == NULL)
        return NULL;
    memset(p, 0, bytes);
    memcpy(p, &size, sizeof(size));
    return p + ALLOC_HEAD;
}

void
dco_env_free(const struct dco_env *env, void *object, size_t size)
{
    struct home *home = env->platform;
    uint8_t *p = (uint8_t *)object - ALLOC_HEAD;
    size_t was;

    if (home->before_free != NULL)
        home->before_free(object, size);
    memcpy(&was, p, sizeof(was));
    CHECK_EQ((long long)was, (long long)size);
    memset(p, 0xa5, size + ALLOC_HEAD);
    free(p);
    pthread_mutex_lock(&home->mutex);
    home->allocations--;
    home->bytes -= (long)size;
    pthread_mutex_unlock(&home->mutex);
}

/* Objects of a test's own have no kind. */
static void
home_end(struct home *home, struct dco_deferred *d)
{
    if (d->kind == 0)
        home->end_own(d);
    else
        dco_deferred_run(d);
}

void
dco_env_defer(const struct dco_env *env, struct dco_deferred *d)
{
    struct home *home = env->platform;

    if (home->how == HOME_IMMEDIATE) {
        home_end(home, d);
        return;
    }
    pthread_mutex_lock(&home->mutex);
    d->next = home->deferred;
    home->deferred = d;
    pthread_mutex_unlock(&home->mutex);
}

static struct dco_deferred *
take_deferred(struct home *home)
{
    struct dco_deferred *d;

    pthread_mutex_lock(&home->mutex);
    d = home->deferred;
    home->deferred = NULL;
    pthread_mutex_unlock(&home->mutex);
    return d;
}

void
home_enter(struct home *home)
{
    pthread_rwlock_rdlock(&home->readers);
}

void
home_leave(struct home *home)
{
    pthread_rwlock_unlock(&home->readers);
}

void
home_run_deferred(struct home *home)
{
    struct dco_deferred *d, *next;

    while ((d = take_deferred(home)) != NULL) {
        /* Every section that was open when these were deferred ends before this is granted. */
        pthread_rwlock_wrlock(&home->readers);
        pthread_rwlock_unlock(&home->readers);
        for (; d != NULL; d = next) {
            next = d->next;
            home_end(home, d);
        }
    }
}

void
dco_env_crypto_free(const struct dco_env *env, void *crypto)
{
    home_crypto_drop(env->platform, crypto);
}

void
dco_env_transport_put(const struct dco_env *env, void *transport)
{
    home_transport_put(env->platform, transport);
}

void
dco_env_wake(const struct dco_env *env)
{
    struct home *home = env->platform;

    pthread_mutex_lock(&home->mutex);
    home->wakes++;
    pthread_mutex_unlock(&home->mutex);
}

void
home_init(struct home *home, enum home_defer how)
{
    pthread_rwlockattr_t attr;

    memset(home, 0, sizeof(*home));
    home->env.platform = home;
    home->how = how;
    home->fail_in = -1;
    pthread_mutex_init(&home->mutex, NULL);
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&home->readers, &attr);
    pthread_rwlockattr_destroy(&attr);
}

void
home_fini(struct home *home)
{
    home_run_deferred(home);
    CHECK_EQ(home->allocations, 0);
    CHECK_EQ(home->cryptos, 0);
    CHECK_EQ(home->transports, 0);
    pthread_rwlock_destroy(&home->readers);
    pthread_mutex_destroy(&home->mutex);
}

static void
count(struct home *home, long *counter, long by)
{
    pthread_mutex_lock(&home->mutex);
    *counter += by;
    pthread_mutex_unlock(&home->mutex);
}

struct test_crypto *
home_crypto(struct home *home)
{
    struct test_crypto *crypto = calloc(1, sizeof(*crypto));

    crypto->alive = TEST_ALIVE;
    count(home, &home->cryptos, 1);
    return crypto;
}

void
home_crypto_drop(struct home *home, struct test_crypto *crypto)
{
    CHECK(crypto->alive == TEST_ALIVE);
    crypto->alive = 0;
    free(crypto);
    count(home, &home->cryptos, -1);
}

struct test_transport *
home_transport(struct home *home, uint32_t number)
{
    struct test_transport *t = calloc(1, sizeof(*t));

    t->refs = 1;
    t->number = number;
    count(home, &home->transports, 1);
    return t;
}

void
home_transport_get(struct home *home, struct test_transport *t)
{
    pthread_mutex_lock(&home->mutex);
    t->refs++;
    pthread_mutex_unlock(&home->mutex);
}

void
home_transport_put(struct home *home, struct test_transport *t)
{
    bool last;

    pthread_mutex_lock(&home->mutex);
    CHECK(t->refs > 0);
    last = --t->refs == 0;
    home->transports -= last;
    pthread_mutex_unlock(&home->mutex);
    if (last)
        free(t);
}

struct dco_peers *
peers_make(struct home *home, enum dco_mode mode)
{
    static const struct dco_siphash_key secret = {{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL}};
    struct dco_peers *p = malloc(dco_peers_size());

    dco_peers_init(p, &home->env, mode, &secret);
    return p;
}

void
peers_sound(struct dco_peers *p)
{
    const char *wrong = dco_peers_validate(p);

    CHECK_THAT(wrong == NULL, "%s", wrong);
}

void
peers_free(struct dco_peers *p)
{
    peers_sound(p);
    dco_peers_fini(p);
    memset(p, 0xa5, dco_peers_size());
    free(p);
}

int
key_install(struct home *home, struct dco_peers *p, uint32_t peer_id, enum dco_slot slot,
            uint8_t key_id, uint64_t number, uint64_t now_ns)
{
    struct test_crypto *crypto = home_crypto(home);
    struct rng material = {number};
    uint8_t tails[2][DCO_NONCE_TAIL_LEN];
    struct dco_key_new req = {.peer_id = peer_id,
                              .slot = slot,
                              .key_id = key_id,
                              .cipher = DCO_CIPHER_AES_GCM,
                              .key_len = sizeof(crypto->tx),
                              .tx_key = crypto->tx,
                              .tx_tail = tails[0],
                              .rx_tail = tails[1],
                              .crypto = crypto};
    int err;

    rng_bytes(&material, crypto->tx, sizeof(crypto->tx));
    rng_bytes(&material, crypto->rx, sizeof(crypto->rx));
    rng_bytes(&material, tails, sizeof(tails));
    err = dco_control_key_new(p, &req, now_ns);
    if (err != 0)
        home_crypto_drop(home, crypto);
    return err;
}
