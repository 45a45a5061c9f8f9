/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The folder in which the library makes the status sockets and the command looks for them:
 * $OPENDCO_RUNTIME_DIR, else /run/opendco for root, else opendco in the folder that systemd made
 * for the service ($RUNTIME_DIRECTORY), else $XDG_RUNTIME_DIR/opendco. Only the C library is used
 * here, because the command links this file.
 */
#ifndef DCO_SYS_RUNTIME_DIR_H
#define DCO_SYS_RUNTIME_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Where the processes of users other than root make their folder: patterns for glob(7). */
#define RUNTIME_DIR_SERVICES "/run/*/opendco"
#define RUNTIME_DIR_NESTED   "/run/*/*/opendco"

/* $OPENDCO_RUNTIME_DIR, or NULL if it is not set or empty. */
const char *runtime_dir_chosen(void);

/* Writes the path for the current environment and effective user. 0, -ENOENT if no variable names
 * it, or -ENAMETOOLONG. The folder need not exist. */
int runtime_dir_path(char *path, size_t size);

/* True if only root and the effective user can change what is in the folder. */
bool runtime_dir_is_private(const struct stat *status);

#endif
