/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The systemd units of OpenVPN: the templates openvpn-server@, openvpn-client@ and Debian's
 * openvpn@, and their instances. A unit is named without ".service"; a template ends in "@".
 */
#ifndef OPENDCO_CLI_UNIT_H
#define OPENDCO_CLI_UNIT_H

#include <stdbool.h>
#include <stddef.h>

/* The longest name of a unit that systemd takes, without ".service", and its end. */
#define UNIT_NAME_MAX 248

/*
 * Finds the unit that somebody means by a name: the name of an instance, whose configuration
 * decides between openvpn-server@ and openvpn@, or a whole name such as openvpn@office or
 * openvpn-server@. client: an instance is one of openvpn-client@. False after a message.
 */
bool unit_find(const char *name, bool client, char unit[UNIT_NAME_MAX]);

/* The template of this number whose unit file is installed; NULL after the last one. *number is set
 * to the next one. client: openvpn-client@ only. */
const char *unit_next_template(size_t *number, bool client);

/* True for a name that ends in "@". */
bool unit_is_template(const char *unit);

/* The template of an instance, such as openvpn-server@ of openvpn-server@office. */
void unit_template(const char *unit, char template[UNIT_NAME_MAX]);

#endif
