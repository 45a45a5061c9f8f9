/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An instance is the JSON object with which one openvpn process describes itself on its status
 * socket; opendco(8) lists the members. The answer can come from any program that may write to the
 * runtime directory, so instance_parse() checks presence, type and range of every member of the
 * manual page before an object is used. It keeps unknown members, which newer versions may add.
 */
#ifndef OPENDCO_CLI_INSTANCE_H
#define OPENDCO_CLI_INSTANCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of a message that says what is wrong with an object. */
#define INSTANCE_WHY 160

/*
 * Parses and checks one object from hostile input. Returns a new reference that the caller releases
 * with json_decref(), or NULL with the reason in why.
 */
json_t *instance_parse(const char *bytes, size_t length, char why[INSTANCE_WHY]);

/* The one of these objects with this process id, or NULL. */
json_t *instance_find(json_t *instances, long pid);

/* Whether the data channel is offloaded. Takes an object from instance_parse(). */
bool instance_is_active(json_t *instance);

/*
 * Compares the library that the process has mapped with the file from which it was mapped, and adds
 * the member "restart_pending": true if the file is another build or is gone. A file that cannot be
 * read, such as one in a container, leaves it false.
 */
void instance_note_restart(json_t *instance);

/* Adds the member "unit": the unit of systemd that runs the process, without ".service"; "" if none
 * does. */
void instance_note_unit(json_t *instance);

/* What instance_note_restart() found. */
bool instance_restart_pending(json_t *instance);

#endif
