/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The opendco command. Each subcommand is one function. It gets its own arguments (argv[0] is the
 * name of the subcommand) and returns the exit status of the process. The program has one thread.
 */
#ifndef OPENDCO_CLI_H
#define OPENDCO_CLI_H

#include <limits.h>
#include <stdarg.h>

int cli_run(int argc, char **argv);
int cli_status(int argc, char **argv);

/* Exit statuses of "opendco run" if it cannot execute the command; env(1) and sh(1) use the same.
 */
enum {
    RUN_USAGE = 125,          /* bad option, or the library is missing */
    RUN_NOT_EXECUTABLE = 126, /* the command was found but cannot be run */
    RUN_NOT_FOUND = 127,
};

/* Exit statuses of "opendco status". */
enum {
    STATUS_OFFLOADED = 0, /* every openvpn that runs under OpenDCO is offloaded */
    STATUS_NONE = 1,      /* no openvpn runs under OpenDCO */
    STATUS_INACTIVE = 2,  /* at least one is not offloaded */
    STATUS_ERROR = 3,     /* at least one could not be asked */
};

/* Prints "opendco: ", the message and a newline to standard error. */
__attribute__((format(printf, 1, 2))) void cli_complain(const char *format, ...);

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
