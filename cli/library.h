/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OPENDCO_CLI_LIBRARY_H
#define OPENDCO_CLI_LIBRARY_H

#include <limits.h>

/*
 * Finds libopendco.so beside this program, or in ../lib/opendco where it is installed, and writes
 * its path. Returns 0, or -1 after a message that names both places.
 */
int cli_find_library(char path[PATH_MAX]);

/*
 * Warns on standard error if the program at this path will not load a preloaded library because it
 * changes privileges, is statically linked or is built for another machine.
 */
void cli_warn_if_not_preloadable(const char *path);

#endif
