/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A platform for the core (env.h) that counts what is alive. A file of its own: programs that are
 * linked with another platform, as the plane's, leave this one in the archive.
 */
#include "platform.h"

#include "validate.h"

#define ALLOC_HEAD                                                                                 \
    64U /* before each allocation: its size, and a cache line so that it is aligned */

static bool
allocation_fails(struct platform *platform)
{
    if (platform->fail_in < 0)
        return false;
    if (platform->fail_in > 0) {
        platform->fail_in--;
        return false;
    }
    if (!platform->fail_all)
        platform->fail_in = -1;
    return true;
}

void *
dco_env_alloc(const struct dco_env *env, size_t size)
{
    struct platform *platform = env->platform;
    size_t bytes = (size + ALLOC_HEAD + 63) & ~(size_t)63;
    uint8_t *p = NULL;

    pthread_mutex_lock(&platform->mutex);
    if (!allocation_fails(platform))
        p = aligned_alloc(64, bytes);
    if (p != NULL) {
        platform->allocations++;
        platform->bytes += (long)size;
        platform->allocated++;
    }
    pthread_mutex_unlock(&platform->mutex);
    if (p == NULL)
        return NULL;
    memset(p, 0, bytes);
    memcpy(p, &size, sizeof(size));
    return p + ALLOC_HEAD;
}

void
dco_env_free(const struct dco_env *env, void *object, size_t size)
{
    struct platform *platform = env->platform;
    uint8_t *p = (uint8_t *)object - ALLOC_HEAD;
    size_t was;

    if (platform->before_free != NULL)
        platform->before_free(object, size);
    memcpy(&was, p, sizeof(was));
    CHECK_EQ((long long)was, (long long)size);
    memset(p, 0xa5, size + ALLOC_HEAD);
    free(p);
    pthread_mutex_lock(&platform->mutex);
    platform->allocations--;
    platform->bytes -= (long)size;
    pthread_mutex_unlock(&platform->mutex);
}

/* Objects of a test's own have no kind. */
static void
platform_end(struct platform *platform, struct dco_deferred *d)
{
    if (d->kind == 0)
        platform->end_own(d);
    else
        dco_deferred_run(d);
}

void
dco_env_defer(const struct dco_env *env, struct dco_deferred *d)
{
    struct platform *platform = env->platform;

    if (platform->how == PLATFORM_IMMEDIATE) {
        platform_end(platform, d);
        return;
    }
    pthread_mutex_lock(&platform->mutex);
    d->next = platform->deferred;
    platform->deferred = d;
    pthread_mutex_unlock(&platform->mutex);
}

static struct dco_deferred *
take_deferred(struct platform *platform)
{
    struct dco_deferred *d;

    pthread_mutex_lock(&platform->mutex);
    d = platform->deferred;
    platform->deferred = NULL;
    pthread_mutex_unlock(&platform->mutex);
    return d;
}

void
platform_enter(struct platform *platform)
{
    pthread_rwlock_rdlock(&platform->readers);
}

void
platform_leave(struct platform *platform)
{
    pthread_rwlock_unlock(&platform->readers);
}

void
platform_run_deferred(struct platform *platform)
{
    struct dco_deferred *d, *next;

    while ((d = take_deferred(platform)) != NULL) {
        /* Every section that was open when these were deferred ends before this is granted. */
        pthread_rwlock_wrlock(&platform->readers);
        pthread_rwlock_unlock(&platform->readers);
        for (; d != NULL; d = next) {
            next = d->next;
            platform_end(platform, d);
        }
    }
}

void
dco_env_crypto_free(const struct dco_env *env, void *crypto)
{
    platform_crypto_drop(env->platform, crypto);
}

void
dco_env_transport_put(const struct dco_env *env, void *transport)
{
    platform_transport_put(env->platform, transport);
}

void
dco_env_wake(const struct dco_env *env)
{
    struct platform *platform = env->platform;

    pthread_mutex_lock(&platform->mutex);
    platform->wakes++;
    pthread_mutex_unlock(&platform->mutex);
}

void
platform_init(struct platform *platform, enum platform_defer how)
{
    pthread_rwlockattr_t attr;

    memset(platform, 0, sizeof(*platform));
    platform->env.platform = platform;
    platform->how = how;
    platform->fail_in = -1;
    pthread_mutex_init(&platform->mutex, NULL);
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&platform->readers, &attr);
    pthread_rwlockattr_destroy(&attr);
}

void
platform_fini(struct platform *platform)
{
    platform_run_deferred(platform);
    CHECK_EQ(platform->allocations, 0);
    CHECK_EQ(platform->cryptos, 0);
    CHECK_EQ(platform->transports, 0);
    pthread_rwlock_destroy(&platform->readers);
    pthread_mutex_destroy(&platform->mutex);
}

static void
count(struct platform *platform, long *counter, long by)
{
    pthread_mutex_lock(&platform->mutex);
    *counter += by;
    pthread_mutex_unlock(&platform->mutex);
}

struct test_crypto *
platform_crypto(struct platform *platform)
{
    struct test_crypto *crypto = calloc(1, sizeof(*crypto));

    crypto->alive = TEST_ALIVE;
    count(platform, &platform->cryptos, 1);
    return crypto;
}

void
platform_crypto_drop(struct platform *platform, struct test_crypto *crypto)
{
    CHECK(crypto->alive == TEST_ALIVE);
    crypto->alive = 0;
    free(crypto);
    count(platform, &platform->cryptos, -1);
}

struct test_transport *
platform_transport(struct platform *platform, uint32_t number)
{
    struct test_transport *t = calloc(1, sizeof(*t));

    t->refs = 1;
    t->number = number;
    count(platform, &platform->transports, 1);
    return t;
}

void
platform_transport_get(struct platform *platform, struct test_transport *t)
{
    pthread_mutex_lock(&platform->mutex);
    t->refs++;
    pthread_mutex_unlock(&platform->mutex);
}

void
platform_transport_put(struct platform *platform, struct test_transport *t)
{
    bool last;

    pthread_mutex_lock(&platform->mutex);
    CHECK(t->refs > 0);
    last = --t->refs == 0;
    platform->transports -= last;
    pthread_mutex_unlock(&platform->mutex);
    if (last)
        free(t);
}

struct dco_peers *
peers_make(struct platform *platform, enum dco_mode mode)
{
    static const struct dco_siphash_key secret = {{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL}};
    struct dco_peers *p = malloc(dco_peers_size());

    dco_peers_init(p, &platform->env, mode, &secret);
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
key_install(struct platform *platform, struct dco_peers *p, uint32_t peer_id, enum dco_slot slot,
            uint8_t key_id, uint64_t number, uint64_t now_ns)
{
    struct test_crypto *crypto = platform_crypto(platform);
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
        platform_crypto_drop(platform, crypto);
    return err;
}
