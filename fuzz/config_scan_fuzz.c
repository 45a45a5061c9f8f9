/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: the text of an openvpn configuration. The scanner reads it whatever it holds, and what it
 * says is one printable line. Files it names are not opened here.
 */
#include <stdint.h>
#include <string.h>

#include "linux/sys/calls.h"

/* The scanner is part of the preloaded library, which no test program links. */
#include "linux/openvpn/config_copy.c"
#include "linux/openvpn/config_parse.c"
#include "linux/openvpn/config_scan.c"
#include "linux/openvpn/options.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
no_open(const char *path, int flags, ...)
{
    (void)path;
    (void)flags;
    return -1;
}

const struct sys_calls *
sys(void)
{
    static const struct sys_calls none = {.open = no_open};

    return &none;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_scan conf;
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    config_scan_text(&conf, text, size);
    free(text);
    if (memchr(conf.option, '\0', sizeof(conf.option)) == NULL)
        abort();
    for (const char *c = conf.option; *c; c++)
        if (*c < ' ' || *c > '~')
            abort();
    return 0;
}
