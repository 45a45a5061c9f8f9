/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linux/sys/log.h"

static const char *
setting(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static void
complain(const char *name, const char *value)
{
    log_line(LOG_LEVEL_WARN, "%s: '%.64s' is no value for it, the default is used; see opendco(8)",
             name, value);
}

/* 0 where it is no number in that range. */
static unsigned
number(const char *name, const char *value, unsigned low, unsigned high)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(value, &end, 10);
    if (*value >= '0' && *value <= '9' && errno == 0 && *end == '\0' && n >= low && n <= high)
        return (unsigned)n;
    complain(name, value);
    return 0;
}

static void
read_level(void)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    const char *value = setting("OPENDCO_LOG_LEVEL");

    if (!value)
        return;
    for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(value, levels[i]) == 0) {
            log_set_level((enum log_level)i);
            return;
        }
    }
    complain("OPENDCO_LOG_LEVEL", value);
}

void
settings_read(struct plane_config *config)
{
    const char *workers = setting("OPENDCO_WORKERS"), *mss = setting("OPENDCO_MSS");

    read_level();
    *config = (struct plane_config){.mss = PLANE_MSS_AUTO};
    if (workers)
        config->workers = number("OPENDCO_WORKERS", workers, 1, PLANE_WORKERS_MAX);
    if (mss && strcmp(mss, "off") == 0)
        config->mss = PLANE_MSS_OFF;
    else if (mss && strcmp(mss, "auto") != 0)
        config->mss = (int)number("OPENDCO_MSS", mss, SETTINGS_MSS_MIN, SETTINGS_MSS_MAX);
}
