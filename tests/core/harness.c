/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <stdarg.h>

#define CHECKS_PRINTED 20

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
