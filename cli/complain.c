/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/complain.h"

#include <stdarg.h>
#include <stdio.h>

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
