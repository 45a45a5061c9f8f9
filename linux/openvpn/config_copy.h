/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of configuration that openvpn read from a pipe or from standard input, where nobody can
 * read it again. config_parse.h reads a copy in place of the file of that name.
 *
 * A copy stays until the process ends or another one of that name takes its place, because openvpn
 * reads its configuration again at SIGHUP. openvpn itself keeps everything that was in it. All
 * functions: the preload lock held.
 */
#ifndef DCO_OPENVPN_CONFIG_COPY_H
#define DCO_OPENVPN_CONFIG_COPY_H

#include <stddef.h>
#include <stdio.h>

/* Keeps text (size bytes, from malloc(), taken over) under the name. An empty text
 * leaves an earlier copy as it is: a pipe has no more than what was read before. */
void config_copy_put(const char *name, char *text, size_t size);

/* The copy of that name, or NULL. Valid until the next config_copy_put() or config_copy_drop(). */
const char *config_copy_get(const char *name, size_t *size);

/* A file that reads the copy, or NULL if there is none. */
FILE *config_copy_open(const char *name);

/* The name stands for a file that can be read again. */
void config_copy_drop(const char *name);

#endif
