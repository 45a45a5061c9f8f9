/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
cli_complain(const char *format, ...)
{
    va_list arguments;

    fputs("opendco: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

bool
cli_flush(void)
{
    if (fflush(stdout) == 0)
        return true;
    cli_complain("cannot write to standard output: %s", strerror(errno));
    return false;
}
