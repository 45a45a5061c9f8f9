/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OPENDCO_CLI_LIBRARY_H
#define OPENDCO_CLI_LIBRARY_H

#include <limits.h>

#include "linux/sys/build_id.h"

/*
 * Finds libopendco.so beside this program, or in the folder opendco of ../lib, of this machine's
 * folder in ../lib (Debian) or of ../lib64 (Fedora), and writes its path. Returns 0, or -1 after a
 * message that names these places.
 */
int cli_find_library(char path[PATH_MAX]);

/*
 * Warns on standard error if the program at this path will not load a preloaded library because it
 * changes privileges, is statically linked or is built for another machine.
 */
void cli_warn_if_not_preloadable(const char *path);

/* Reads the build id of a library file; the path may come from anybody. Returns 0 or an errno
 * value; ENOEXEC for a file that is no 64-bit ELF file or has none. */
int library_build_id(const char *path, char text[BUILD_ID_TEXT]);

#endif
