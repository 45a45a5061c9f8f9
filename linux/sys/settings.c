/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/settings.h"

#include <stddef.h>

#include "linux/sys/log.h"

void
settings_read(struct settings *settings)
{
    bool invalid[SETTING_COUNT] = {false};

    *settings = settings_default;
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        const char *value = setting_value((enum setting)i);

        invalid[i] = value != NULL && !setting_parse((enum setting)i, value, settings);
    }
    log_set_level(settings->log_level);
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        if (invalid[i])
            log_line(LOG_LEVEL_WARN, "%s: '%.64s' is invalid, using the default; it takes %s",
                     setting_variable((enum setting)i), setting_value((enum setting)i),
                     setting_expected((enum setting)i));
    }
}
