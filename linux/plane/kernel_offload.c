/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/kernel_offload.h"

#include <string.h>

#include "linux/sys/log.h"
#include "linux/sys/setting_rules.h"

static const struct {
    const char *name;
    enum offload bit;
} names[] = {
    {"tun-tso", OFFLOAD_TUN_TSO}, {"tun-uso", OFFLOAD_TUN_USO},     {"udp-gso", OFFLOAD_UDP_GSO},
    {"udp-gro", OFFLOAD_UDP_GRO}, {"tun-batch", OFFLOAD_TUN_BATCH},
};

static unsigned
bit_of(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i].name) == len && memcmp(names[i].name, word, len) == 0)
            return names[i].bit;
    log_line(LOG_LEVEL_WARN, "OPENDCO_OFFLOADS_OFF: unknown offload '%.*s' is ignored", (int)len,
             word);
    return 0;
}

static unsigned
parse(const char *list)
{
    unsigned off = 0;

    while (list != NULL && *list != '\0') {
        size_t len = strcspn(list, ",");

        if (len > 0)
            off |= bit_of(list, len);
        list += len + (list[len] == ',');
    }
    return off;
}

bool
offload_wanted(enum offload offload)
{
    /* Of the process, like the environment. */
    static struct {
        bool parsed;
        unsigned off; /* offloads that are switched off */
    } setting;

    if (!setting.parsed) {
        setting.off = parse(setting_override(OVERRIDE_OFFLOADS_OFF));
        setting.parsed = true;
    }
    return (setting.off & offload) == 0;
}
