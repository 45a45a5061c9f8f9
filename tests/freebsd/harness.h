/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests register themselves and run each in a process of its own, with a fresh world. */
#ifndef HARNESS_H
#define HARNESS_H

#include "user.h"

void test_register(const char *name, void (*run)(void));

#define TEST(name)                                                                                 \
    static void test_##name(void);                                                                 \
    __attribute__((constructor)) static void register_##name(void)                                 \
    {                                                                                              \
        test_register(#name, test_##name);                                                         \
    }                                                                                              \
    static void test_##name(void)

_Noreturn void test_failed(const char *file, int line, const char *what, long long got,
                           long long want);
#define CHECK(cond) ((cond) ? (void)0 : test_failed(__FILE__, __LINE__, #cond, 0, 1))
#define CHECK_EQ(got, want)                                                                        \
    do {                                                                                           \
        long long got_ = (long long)(got), want_ = (long long)(want);                              \
                                                                                                   \
        if (got_ != want_)                                                                         \
            test_failed(__FILE__, __LINE__, #got, got_, want_);                                    \
    } while (0)

#endif
