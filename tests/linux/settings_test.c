/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings from a systemd unit, which "opendco run" does not check. If this failed, a misspelt
 * value would silently mean something else.
 */
#include "linux/sys/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "linux/sys/thread.h"

static char said[4096];

/* The settings that these values give; what the log said is in said. */
static struct settings
settings(const char *workers, const char *mss, const char *level)
{
    struct settings config;
    int fd[2], saved = dup(STDERR_FILENO);
    ssize_t len;

    setenv("OPENDCO_WORKERS", workers, 1);
    setenv("OPENDCO_MSS", mss, 1);
    setenv("OPENDCO_LOG_LEVEL", level, 1);
    CHECK(pipe(fd) == 0);
    dup2(fd[1], STDERR_FILENO);
    close(fd[1]);
    settings_read(&config);
    dup2(saved, STDERR_FILENO);
    close(saved);
    len = read(fd[0], said, sizeof(said) - 1);
    close(fd[0]);
    said[len < 0 ? 0 : len] = '\0';
    return config;
}

TEST("settings that are good or absent")
{
    struct settings config = settings("", "", "");

    CHECK(config.workers == 0 && config.mss == SETTINGS_MSS_AUTO);
    config = settings("1", "auto", "info");
    CHECK(config.workers == 1 && config.mss == SETTINGS_MSS_AUTO);
    config = settings("16", "off", "warn");
    CHECK(config.workers == SETTINGS_WORKERS_MAX && config.mss == SETTINGS_MSS_OFF);
    CHECK(settings("", "88", "").mss == 88);
    CHECK(settings("", "65495", "").mss == 65495);
    CHECK(said[0] == '\0');
}

TEST("bad ones are named in the log and mean the default")
{
    static const char *const workers[] = {"0", "17", "-1", "2x", " 2", "many", "4294967297"};
    static const char *const mss[] = {"87", "65496", "Off", "-1", "65537", "99999999999999999999"};

    for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
        CHECK(settings(workers[i], "", "").workers == 0);
        CHECK(strstr(said, "OPENDCO_WORKERS: '") && strstr(said, workers[i]));
    }
    for (size_t i = 0; i < sizeof(mss) / sizeof(mss[0]); i++) {
        CHECK(settings("", mss[i], "").mss == SETTINGS_MSS_AUTO);
        CHECK(strstr(said, "OPENDCO_MSS: '") && strstr(said, mss[i]));
    }
    settings("", "", "loud");
    CHECK(strstr(said, "OPENDCO_LOG_LEVEL: 'loud'") != NULL);
}
