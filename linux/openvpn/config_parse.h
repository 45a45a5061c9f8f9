/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads openvpn configuration files as openvpn does: lines of words, quotes, comments, inline
 * files, names relative to --cd. What openvpn read from a pipe is in config_copy.h. The caller
 * interprets the options (config_scan.h), which also states the bounds.
 */
#ifndef DCO_OPENVPN_CONFIG_PARSE_H
#define DCO_OPENVPN_CONFIG_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_FILE_MAX  (16U << 20)
#define CONFIG_FILES_MAX 1024U
#define CONFIG_DEPTH_MAX 10U /* as openvpn */
#define CONFIG_WORDS_MAX 16U /* of an option; as openvpn */

struct config_parser {
    /* Called for each option with CONFIG_WORDS_MAX words; absent words are "". It may call
     * config_parse_file() for a nested file. */
    void (*option)(void *arg, const char *const *words);
    void *arg;
    unsigned files, depth; /* files read so far; how deep they nest now */
    /* Called for each file that could not be read or exceeded a bound. */
    void (*unreadable)(void *arg, const char *path);
    const char *wanted; /* the name of a file that may be a part of the configuration, or NULL */
    bool found;         /* it is */
    char dir[4096];     /* openvpn's current directory at this point; "": as at its start */
};

/* The option --cd. */
void config_parse_cd(struct config_parser *p, const char *dir);

void config_parse_text(struct config_parser *p, const char *text, size_t len);
void config_parse_file(struct config_parser *p, const char *path);

#endif
