/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>

#include "harness.h"

void
check_failed(const char *file, int line, const char *format, ...)
{
    va_list ap;

    flockfile(stdout);
    printf("# %s:%d: ", file, line);
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
    funlockfile(stdout);
    abort();
}

void
check_equal(const char *file, int line, const char *what, long long got, long long want)
{
    if (got != want)
        check_failed(file, line, "%s: got %lld, want %lld", what, got, want);
}

void
check_memory(const char *file, int line, const char *what, const void *got, const void *want,
             size_t len)
{
    const uint8_t *a = got, *b = want;
    size_t at = 0;

    while (at < len && a[at] == b[at])
        at++;
    if (at < len)
        check_failed(file, line, "%s: byte %zu of %zu: got 0x%02x, want 0x%02x", what, at, len,
                     a[at], b[at]);
}

void
check_string(const char *file, int line, const char *what, const char *got, const char *want)
{
    if (got == NULL || strcmp(got, want) != 0)
        check_failed(file, line, "%s: got \"%s\", want \"%s\"", what, got != NULL ? got : "(null)",
                     want);
}
