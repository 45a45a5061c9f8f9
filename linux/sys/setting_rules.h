/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of a user: the environment variable and the allowed values of each. The command
 * checks options and variables by these rules, and the library reads the variables by them.
 * opendco(8) describes them. Only the C library is used here, because the command links this file.
 */
#ifndef DCO_SYS_SETTING_RULES_H
#define DCO_SYS_SETTING_RULES_H

#include <stdbool.h>

#include "linux/sys/log.h"

#define SETTINGS_WORKERS_MAX 16U

#define SETTINGS_MSS_AUTO 0
#define SETTINGS_MSS_OFF  (-1)
#define SETTINGS_MSS_MIN  88U    /* the least that the Linux TCP stack accepts */
#define SETTINGS_MSS_MAX  65495U /* IPv4: 65535 less both headers */

enum setting {
    SETTING_WORKERS,
    SETTING_MSS,
    SETTING_LOG_LEVEL,
    SETTING_COUNT,
};

struct settings {
    unsigned workers; /* 0: as many as processors and task limits allow */
    int mss;          /* SETTINGS_MSS_AUTO, SETTINGS_MSS_OFF, or the largest MSS in bytes */
    enum log_level log_level;
};

/* The values that apply where nothing is set. */
extern const struct settings settings_default;

/* The environment variable, and its allowed values in words: "OPENDCO_MSS", "auto, off or ...". */
const char *setting_variable(enum setting which);
const char *setting_expected(enum setting which);

/* The value in the environment; NULL if the variable is not set or empty. */
const char *setting_value(enum setting which);

/* Variables for tests and for finding faults. No option of the command sets them. */
enum setting_override {
    OVERRIDE_AEAD,         /* the cipher implementation to use (linux/crypto/aead.h) */
    OVERRIDE_OFFLOADS_OFF, /* kernel offloads not to use (linux/plane/kernel_offload.h) */
    OVERRIDE_TCP,          /* 1: tunnels over TCP are offloaded as well, an experiment */
    OVERRIDE_OFFLOADS_ON,  /* those to use although this kernel breaks them (likewise) */
};

/* The value in the environment; NULL if the variable is not set or empty. */
const char *setting_override(enum setting_override which);

/* Parses the value into its member of settings. False, with no change, if the value is invalid. */
bool setting_parse(enum setting which, const char *value, struct settings *settings);

#endif
