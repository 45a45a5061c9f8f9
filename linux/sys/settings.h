/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings out of the environment, as opendco(8) describes them: OPENDCO_WORKERS, OPENDCO_MSS and
 * OPENDCO_LOG_LEVEL. "opendco run" refuses bad values; a service that sets the variables itself has
 * only the log to learn of them.
 */
#ifndef DCO_SYS_SETTINGS_H
#define DCO_SYS_SETTINGS_H

#include "linux/plane/plane.h"

#define SETTINGS_MSS_MIN 88U    /* what the Linux TCP stack takes as the least */
#define SETTINGS_MSS_MAX 65495U /* IPv4: 65535 less both headers */

/* Sets the level of the log and fills in config. What is not set is the default; so is a bad value,
 * after a line in the log that names it. Once, before the first worker starts. */
void settings_read(struct plane_config *config);

#endif
