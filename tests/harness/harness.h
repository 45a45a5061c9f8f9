/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every test program in C is made of, whatever it tests.
 *
 *     TEST("a refused id leaves no trace")
 *     {
 *         CHECK_EQ(dco_replay_accept(&r, 0, 2), DCO_DROP_RX_ID_ZERO);
 *     }
 *
 * Each test runs in a process of its own. It finds all state as the program's start left it, and
 * may crash, hang or change its user, limits and namespaces without any effect on the next. A check
 * that does not hold is printed and ends the test. A test that takes longer than ten minutes has
 * failed.
 *
 * The program reports in TAP. Its arguments are words: those tests run whose name holds one of
 * them, or all when there is no argument. --list prints the names only.
 *
 * Environment: TEST_SEED=n (decimal) repeats a run; TEST_ROUNDS=n multiplies the random work.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tests */

#define TEST(name)               TEST_ON_LINE(name, __LINE__)
#define TEST_ON_LINE(name, line) TEST_DEFINE(name, line)
#define TEST_DEFINE(name, line)                                                                    \
    static void test_on_##line(void);                                                              \
    __attribute__((constructor)) static void register_##line(void)                                 \
    {                                                                                              \
        test_register(name, test_on_##line);                                                       \
    }                                                                                              \
    static void test_on_##line(void)

/* name: a string that stays. Tests run in the order in which they are registered. */
void test_register(const char *name, void (*run)(void));

/* What runs in the process of each test before and after it. */
void test_around(void (*before)(void), void (*after)(void));

/* Ends the test that runs, which then counts neither as passed nor as failed. */
_Noreturn void test_skip(const char *why);

/* Of the test that runs. */
const char *test_name(void);

/* Checks. Any thread or process of a test. In a fuzzer they end the program, with a crash. */

#define CHECK(condition) CHECK_THAT(condition, "%s", #condition)
#define CHECK_THAT(condition, ...)                                                                 \
    ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, __VA_ARGS__))
/* Integers */
#define CHECK_EQ(got, want)                                                                        \
    check_equal(__FILE__, __LINE__, #got " == " #want, (long long)(got), (long long)(want))
#define CHECK_MEM(got, want, len) check_memory(__FILE__, __LINE__, #got, (got), (want), (len))
#define CHECK_STR(got, want)      check_string(__FILE__, __LINE__, #got, (got), (want))

_Noreturn void check_failed(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void check_equal(const char *file, int line, const char *what, long long got, long long want);
void check_memory(const char *file, int line, const char *what, const void *got, const void *want,
                  size_t len);
void check_string(const char *file, int line, const char *what, const char *got, const char *want);

/* Random numbers (splitmix64) */

struct rng {
    uint64_t state;
};

/* Starts from a seed made of TEST_SEED and the name of the test that runs. */
struct rng test_rng(void);
/* rounds multiplied by TEST_ROUNDS, and never less than 1. */
unsigned test_rounds(unsigned rounds);

uint64_t rng_next(struct rng *rng);
uint32_t rng_below(struct rng *rng, uint32_t n); /* 0 .. n - 1 */
bool rng_chance(struct rng *rng, uint32_t percent);
void rng_bytes(struct rng *rng, void *p, size_t len);

#endif
