/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OPENDCO_CLI_COMPLAIN_H
#define OPENDCO_CLI_COMPLAIN_H

#include <stdbool.h>

/* Prints "opendco: ", the message and a newline to standard error. */
__attribute__((format(printf, 1, 2))) void cli_complain(const char *format, ...);

/* Writes out what was printed to standard output. False after a message. */
bool cli_flush(void);

#endif
