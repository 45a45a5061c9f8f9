/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OPENDCO_CLI_STATUS_H
#define OPENDCO_CLI_STATUS_H

#include <jansson.h>
#include <stdbool.h>

/* Exit statuses of "opendco status". */
enum {
    STATUS_OFFLOADED = 0, /* every openvpn that runs under OpenDCO is offloaded */
    STATUS_NONE = 1,      /* no openvpn runs under OpenDCO */
    STATUS_INACTIVE = 2,  /* at least one is not offloaded */
    STATUS_ERROR = 3,     /* at least one could not be asked */
};

/* opendco status: prints what every process answers. argv[0] is "status". Returns the exit status.
 */
int cli_status(int argc, char **argv);

/* Appends what every process answers (cli/instance.h) to an array. False, after a message, if at
 * least one could not be asked. Changes the working directory. */
bool status_collect(json_t *instances);

#endif
