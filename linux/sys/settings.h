/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the settings from the environment. "opendco run" refuses invalid values; for a service that
 * sets the variables itself they are reported in the log.
 */
#ifndef DCO_SYS_SETTINGS_H
#define DCO_SYS_SETTINGS_H

#include "linux/sys/setting_rules.h"

/* Fills in settings and sets the level of the log. A setting that is not set, or whose value is
 * invalid, gets its default; the log names an invalid value. Once, before the first worker starts.
 */
void settings_read(struct settings *settings);

#endif
