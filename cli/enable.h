/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OPENDCO_CLI_ENABLE_H
#define OPENDCO_CLI_ENABLE_H

/*
 * opendco enable, opendco disable: write and remove the drop-ins of systemd units (cli/drop_in.h),
 * reload systemd, and print what has to be restarted. They restart nothing. argv[0] is the name of
 * the command. Return an exit status.
 */
int cli_enable(int argc, char **argv);
int cli_disable(int argc, char **argv);

#endif
