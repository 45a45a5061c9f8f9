/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: the text of an openvpn configuration. The scanner reads it whatever it holds, and what it
 * says is one printable line. Files it names are not opened here.
 */
#include <stdint.h>
#include <string.h>

#include "linux/doorway/real.h"

/* The scanner is part of the preloaded library, which no test program links. */
#include "linux/doorway/config_hint.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
no_open(const char *path, int flags, ...)
{
    (void)path;
    (void)flags;
    return -1;
}

const struct real *
real(void)
{
    static const struct real none = {.open = no_open};

    return &none;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_hint hint;
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    config_hint_text(&hint, text, size);
    free(text);
    if (memchr(hint.option, '\0', sizeof(hint.option)) == NULL)
        abort();
    for (const char *c = hint.option; *c; c++)
        if (*c < ' ' || *c > '~')
            abort();
    return 0;
}
