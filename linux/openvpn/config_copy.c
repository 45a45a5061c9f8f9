/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/config_copy.h"

#include <stdlib.h>
#include <string.h>

struct copy {
    struct copy *next;
    char *name, *text; /* text: size bytes, at least one */
    size_t size;
};

static struct copy *copies; /* preload lock; of the process, which has one configuration */

static struct copy **
find(const char *name)
{
    struct copy **at = &copies;

    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

static void
wipe(char *text, size_t size)
{
    explicit_bzero(text, size);
    free(text);
}

void
config_copy_drop(const char *name)
{
    struct copy **at = find(name), *copy = *at;

    if (copy == NULL)
        return;
    *at = copy->next;
    wipe(copy->text, copy->size);
    free(copy->name);
    free(copy);
}

void
config_copy_put(const char *name, char *text, size_t size)
{
    struct copy *copy = size > 0 ? calloc(1, sizeof(*copy)) : NULL;

    if (copy != NULL)
        copy->name = strdup(name);
    if (copy == NULL || copy->name == NULL) {
        wipe(text, size);
        free(copy);
        return;
    }
    config_copy_drop(name);
    copy->text = text;
    copy->size = size;
    copy->next = copies;
    copies = copy;
}

const char *
config_copy_get(const char *name, size_t *size)
{
    const struct copy *copy = *find(name);

    *size = copy != NULL ? copy->size : 0;
    return copy != NULL ? copy->text : NULL;
}

FILE *
config_copy_open(const char *name)
{
    const struct copy *copy = *find(name);

    return copy != NULL ? fmemopen(copy->text, copy->size, "r") : NULL;
}
