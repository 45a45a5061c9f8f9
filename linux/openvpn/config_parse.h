/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads openvpn configuration files as openvpn does: lines of words, quotes, comments, inline
 * files. The caller interprets the options (config_scan.h), which also states the bounds.
 */
#ifndef DCO_OPENVPN_CONFIG_PARSE_H
#define DCO_OPENVPN_CONFIG_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_FILE_MAX  (1U << 20)
#define CONFIG_FILES_MAX 16U
#define CONFIG_DEPTH_MAX 10U /* as openvpn */
#define CONFIG_WORDS_MAX 16U /* of an option; as openvpn */

struct config_parser {
    /* Called for each option with CONFIG_WORDS_MAX words; absent words are "". It may call
     * config_parse_file() for a nested file. */
    void (*option)(void *arg, const char *const *words);
    void *arg;
    unsigned files, depth; /* files read so far; how deep they nest now */
    bool unreadable;       /* a file could not be read or exceeded a bound */
};

void config_parse_text(struct config_parser *p, const char *text, size_t len);
void config_parse_file(struct config_parser *p, const char *path);

#endif
