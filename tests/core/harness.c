/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <stdarg.h>

#define CHECKS_PRINTED 20
#define ALLOC_HEAD                                                                                 \
    64U /* before each allocation: its size, and a cache line so that it is aligned */

static pthread_mutex_t report_mutex = PTHREAD_MUTEX_INITIALIZER;
static const struct test *running;
static unsigned failed_checks; /* report_mutex; of the test that runs */
static const char *skipped;

static uint64_t
number_from_environment(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? strtoull(value, NULL, 10) : otherwise;
}

/* Tests */

bool
harness_check(bool held, const char *file, int line, const char *format, ...)
{
    va_list ap;

    if (held)
        return true;
    pthread_mutex_lock(&report_mutex);
    if (failed_checks++ < CHECKS_PRINTED) {
        printf("# %s:%d: ", file, line);
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        printf("\n");
    }
    pthread_mutex_unlock(&report_mutex);
    return false;
}

bool
harness_equal(long long a, long long b, const char *file, int line, const char *what)
{
    return harness_check(a == b, file, line, "%s: %lld, %lld", what, a, b);
}

void
harness_skip(const char *why)
{
    skipped = why;
}

unsigned
harness_rounds(unsigned rounds)
{
    uint64_t n = rounds * number_from_environment("TEST_ROUNDS", 1);

    return n == 0 ? 1 : (unsigned)n;
}

static bool
run_one(const struct test *test, size_t number)
{
    running = test;
    failed_checks = 0;
    skipped = NULL;
    test->run();
    printf("%sok %zu - %s", failed_checks != 0 ? "not " : "", number, test->name);
    if (failed_checks != 0)
        printf(" (%u checks failed, TEST_SEED=%" PRIu64 ")", failed_checks,
               number_from_environment("TEST_SEED", 1));
    else if (skipped != NULL)
        printf(" # SKIP %s", skipped);
    printf("\n");
    return failed_checks == 0;
}

int
harness_main(const struct test *tests, size_t n)
{
    size_t passed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < n; i++)
        passed += run_one(&tests[i], i + 1);
    printf("1..%zu\n%zu passed, %zu failed\n", n, passed, n - passed);
    return passed == n ? 0 : 1;
}

/* Random numbers */

struct rng
harness_rng(void)
{
    struct rng rng = {number_from_environment("TEST_SEED", 1)};

    for (const char *c = running->name; *c != '\0'; c++)
        rng.state = (rng.state ^ (uint8_t)*c) * 0x100000001b3ULL;
    return rng;
}

uint64_t
rng_next(struct rng *rng)
{
    uint64_t z = rng->state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

uint32_t
rng_below(struct rng *rng, uint32_t n)
{
    return (uint32_t)((rng_next(rng) >> 32) * n >> 32);
}

bool
rng_chance(struct rng *rng, uint32_t percent)
{
    return rng_below(rng, 100) < percent;
}

void
rng_bytes(struct rng *rng, void *p, size_t len)
{
    uint8_t *bytes = p;

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)rng_next(rng);
}

/* The home */

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

static void *
home_alloc(void *arg, size_t size)
{
    struct home *home = arg;
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

static void
home_free(void *arg, void *object, size_t size)
{
    struct home *home = arg;
    uint8_t *p = (uint8_t *)object - ALLOC_HEAD;
    size_t was;

    memcpy(&was, p, sizeof(was));
    check_equal((long long)was, (long long)size);
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

static void
home_defer(void *arg, struct dco_deferred *d)
{
    struct home *home = arg;

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

static void
end_crypto(void *arg, void *crypto)
{
    home_crypto_drop(arg, crypto);
}

static void
end_transport(void *arg, void *transport)
{
    home_transport_put(arg, transport);
}

static void
count_wake(void *arg)
{
    struct home *home = arg;

    pthread_mutex_lock(&home->mutex);
    home->wakes++;
    pthread_mutex_unlock(&home->mutex);
}

void
home_init(struct home *home, enum home_defer how)
{
    pthread_rwlockattr_t attr;

    memset(home, 0, sizeof(*home));
    home->env = (struct dco_env){.arg = home,
                                 .alloc = home_alloc,
                                 .free = home_free,
                                 .defer = home_defer,
                                 .crypto_free = end_crypto,
                                 .transport_put = end_transport,
                                 .wake = count_wake};
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
    check_equal(home->allocations, 0);
    check_equal(home->cryptos, 0);
    check_equal(home->transports, 0);
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
    check(crypto->alive == TEST_ALIVE);
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
    check(t->refs > 0);
    last = --t->refs == 0;
    home->transports -= last;
    pthread_mutex_unlock(&home->mutex);
    if (last)
        free(t);
}

/* Arguments */

struct dco_ip
ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    const uint8_t addr[4] = {a, b, c, d};

    return dco_ip4(addr);
}

struct dco_ip
ip6(uint64_t low)
{
    uint8_t addr[16] = {0x20, 0x01, 0x0d, 0xb8};

    dco_put32(addr + 8, (uint32_t)(low >> 32));
    dco_put32(addr + 12, (uint32_t)low);
    return dco_ip6(addr);
}

struct dco_endpoint
endpoint4(uint32_t host, uint16_t port)
{
    struct dco_endpoint endpoint = {0};
    uint8_t addr[4], net_port[2];

    dco_put32(addr, 0xc0000000U + host);
    dco_put16(net_port, port);
    endpoint.ip = dco_ip4(addr);
    memcpy(&endpoint.port, net_port, sizeof(endpoint.port));
    return endpoint;
}

struct dco_path
path4(uint32_t host, uint16_t port)
{
    struct dco_path path = {.remote = endpoint4(host, port)};

    return path;
}

struct dco_peers *
peers_make(struct home *home, enum dco_mode mode)
{
    static const struct dco_siphash_key secret = {{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL}};
    struct dco_peers *p = malloc(sizeof(*p));

    dco_peers_init(p, &home->env, mode, &secret);
    return p;
}

void
peers_free(struct dco_peers *p)
{
    dco_peers_fini(p);
    memset(p, 0xa5, sizeof(*p));
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
