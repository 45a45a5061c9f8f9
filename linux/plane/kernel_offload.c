/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/kernel_offload.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "linux/sys/log.h"
#include "linux/sys/setting_rules.h"

static const struct {
    const char *name;
    enum offload bit;
} names[] = {
    {"tun-tso", OFFLOAD_TUN_TSO},     {"tun-uso", OFFLOAD_TUN_USO},
    {"udp-gso", OFFLOAD_UDP_GSO},     {"udp-gro", OFFLOAD_UDP_GRO},
    {"tun-batch", OFFLOAD_TUN_BATCH}, {"udp-gso-equal", OFFLOAD_UDP_GSO_EQUAL},
};

static unsigned
bit_of(const char *variable, const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i].name) == len && memcmp(names[i].name, word, len) == 0)
            return names[i].bit;
    log_line(LOG_LEVEL_WARN, "%s: unknown offload '%.*s' is ignored", variable, (int)len, word);
    return 0;
}

static unsigned
parse(const char *variable, const char *list)
{
    unsigned bits = 0;

    while (list != NULL && *list != '\0') {
        size_t len = strcspn(list, ",");

        if (len > 0)
            bits |= bit_of(variable, list, len);
        list += len + (list[len] == ',');
    }
    return bits;
}

/* Linux 7.0-rc1 writes a wrong length into the UDP header of the last segment where a driver leaves
 * a part of the segmentation to the kernel; 7.1.5 is mended. */
unsigned
offload_broken(const char *release)
{
    unsigned major = 0, minor = 0, patch = 0;

    if (sscanf(release, "%u.%u.%u", &major, &minor, &patch) < 2 || major != 7)
        return 0;
    return minor == 0 || (minor == 1 && patch < 5) ? OFFLOAD_UDP_GSO_EQUAL : 0;
}

static unsigned
broken_here(unsigned wanted)
{
    struct utsname u;
    unsigned broken = uname(&u) == 0 ? offload_broken(u.release) & ~wanted : 0;

    if (broken != 0)
        log_line(LOG_LEVEL_WARN,
                 "Linux %s can lose trains of equal packets, so they are sent one by one, which is "
                 "slower; 7.1.5 is mended, and OPENDCO_OFFLOADS_ON=udp-gso-equal sends them anyway",
                 u.release);
    return broken;
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
        setting.off = parse("OPENDCO_OFFLOADS_OFF", setting_override(OVERRIDE_OFFLOADS_OFF));
        setting.off |= broken_here(
            parse("OPENDCO_OFFLOADS_ON", setting_override(OVERRIDE_OFFLOADS_ON)) | setting.off);
        setting.parsed = true;
    }
    return (setting.off & offload) == 0;
}
