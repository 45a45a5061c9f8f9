/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OPENDCO_CLI_FILE_H
#define OPENDCO_CLI_FILE_H

#include <stddef.h>

/*
 * Writes a file of mode 644 that appears, or replaces the one of that name, whole: readers see the
 * old bytes or the new ones. Meanwhile they are in PATH.new, of which nothing is left after a
 * failure. Returns 0 or an errno value.
 */
int file_replace(const char *path, const char *bytes, size_t length);

#endif
