/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Units that somebody expects to run under OpenDCO. A process into which the library was not loaded
 * has no status socket, so its unit and /proc tell about it.
 */
#ifndef OPENDCO_CLI_EXPECT_H
#define OPENDCO_CLI_EXPECT_H

#include <jansson.h>
#include <stdbool.h>

/* True if the unit (cli/unit.h) runs and its process is among the instances; else prints to
 * standard error why not, as far as the system shows it. */
bool expect_unit(const char *unit, json_t *instances);

#endif
