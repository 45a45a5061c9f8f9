/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OPENDCO_CLI_PRINT_H
#define OPENDCO_CLI_PRINT_H

#include <jansson.h>
#include <stdio.h>

/* Prints one instance, as instance_parse() returned it, as text for people. Its strings come from a
 * socket, so control characters become "?". */
void instance_print(json_t *instance, FILE *to);

#endif
