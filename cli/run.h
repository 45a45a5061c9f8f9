/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OPENDCO_CLI_RUN_H
#define OPENDCO_CLI_RUN_H

/* Exit statuses of "opendco run" if it cannot execute the command; env(1) and sh(1) use the same.
 */
enum {
    RUN_USAGE = 125,          /* bad option, or the library is missing */
    RUN_NOT_EXECUTABLE = 126, /* the command was found but cannot be run */
    RUN_NOT_FOUND = 127,
};

/*
 * opendco run: sets the environment that loads the library and holds its settings, then executes
 * the command in place of this program. Process id, signals, standard files and exit status are
 * those of the command. argv[0] is "run". Returns an exit status if the command does not start.
 */
int cli_run(int argc, char **argv);

#endif
