/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/setting_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct settings settings_default = {
    .workers = 0,
    .mss = SETTINGS_MSS_AUTO,
    .log_level = LOG_LEVEL_INFO,
};

/* A decimal number in the range, and nothing else. */
static bool
parse_number(const char *text, unsigned low, unsigned high, unsigned *number)
{
    char *end;
    unsigned long value;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < low || value > high)
        return false;
    *number = (unsigned)value;
    return true;
}

static bool
parse_workers(const char *value, struct settings *settings)
{
    return parse_number(value, 1, SETTINGS_WORKERS_MAX, &settings->workers);
}

static bool
parse_mss(const char *value, struct settings *settings)
{
    unsigned bytes;

    if (strcmp(value, "auto") == 0)
        settings->mss = SETTINGS_MSS_AUTO;
    else if (strcmp(value, "off") == 0)
        settings->mss = SETTINGS_MSS_OFF;
    else if (parse_number(value, SETTINGS_MSS_MIN, SETTINGS_MSS_MAX, &bytes))
        settings->mss = (int)bytes;
    else
        return false;
    return true;
}

static bool
parse_log_level(const char *value, struct settings *settings)
{
    static const char *const levels[] = {
        [LOG_LEVEL_ERROR] = "error",
        [LOG_LEVEL_WARN] = "warn",
        [LOG_LEVEL_INFO] = "info",
        [LOG_LEVEL_DEBUG] = "debug",
    };

    for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(value, levels[i]) == 0) {
            settings->log_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static const struct {
    const char *variable, *expected;
    bool (*parse)(const char *value, struct settings *settings);
} rules[SETTING_COUNT] = {
    [SETTING_WORKERS] = {"OPENDCO_WORKERS", "a number from 1 to 16", parse_workers},
    [SETTING_MSS] = {"OPENDCO_MSS", "auto, off or a number from 88 to 65495", parse_mss},
    [SETTING_LOG_LEVEL] = {"OPENDCO_LOG_LEVEL", "error, warn, info or debug", parse_log_level},
};

const char *
setting_variable(enum setting which)
{
    return rules[which].variable;
}

const char *
setting_expected(enum setting which)
{
    return rules[which].expected;
}

static const char *
environment(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && *value != '\0' ? value : NULL;
}

const char *
setting_value(enum setting which)
{
    return environment(rules[which].variable);
}

const char *
setting_override(enum setting_override which)
{
    static const char *const variables[] = {
        [OVERRIDE_AEAD] = "OPENDCO_AEAD",
        [OVERRIDE_OFFLOADS_OFF] = "OPENDCO_OFFLOADS_OFF",
        [OVERRIDE_TCP] = "OPENDCO_TCP",
        [OVERRIDE_OFFLOADS_ON] = "OPENDCO_OFFLOADS_ON",
    };

    return environment(variables[which]);
}

bool
setting_parse(enum setting which, const char *value, struct settings *settings)
{
    return rules[which].parse(value, settings);
}
