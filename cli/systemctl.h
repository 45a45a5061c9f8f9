/* SPDX-License-Identifier: BSD-2-Clause */
/* What the commands ask of a running systemd, by systemctl(1). */
#ifndef OPENDCO_CLI_SYSTEMCTL_H
#define OPENDCO_CLI_SYSTEMCTL_H

#include <stdbool.h>

/* True if systemd runs this system, see sd_booted(3). */
bool systemctl_works(void);

/* systemctl daemon-reload. False after a message. */
bool systemctl_reload(void);

/* Calls the function for each process that systemd started for a unit, or for any instance of a
 * template (cli/unit.h). False after a message. */
bool systemctl_each_running(const char *unit, void (*each)(const char *unit, long pid, void *arg),
                            void *arg);

#endif
