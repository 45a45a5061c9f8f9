/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one openvpn process says about itself on its status socket: a single JSON object, whose
 * members opendco(8) lists. Whoever may write to the runtime directory may write anything there, so
 * an object is used only after instance_parse() has checked the presence, type and range of every
 * member named in the manual page. Members it does not know are kept and not looked at.
 */
#ifndef OPENDCO_CLI_INSTANCE_H
#define OPENDCO_CLI_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

/* Room for the sentence that says what is wrong with an object. */
#define INSTANCE_WHY 160

/*
 * Parses and checks one object. Returns a new reference, or NULL with the reason in why. Any bytes
 * may be given.
 */
json_t *instance_parse(const char *bytes, size_t length, char why[INSTANCE_WHY]);

/* Both take an object that instance_parse() returned. */
bool instance_is_active(json_t *instance);
void instance_print(json_t *instance, FILE *to);

#endif
