/* SPDX-License-Identifier: BSD-2-Clause */
/* What a status socket answers, as "opendco status" reads it: whatever is accepted is printable. */
#include <stdint.h>
#include <stdlib.h>

#include "cli/instance.h"
#include "cli/print.h"

static void
check_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\n' && (text[i] < ' ' || text[i] > '~'))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[INSTANCE_WHY];
    char *text = NULL;
    size_t length = 0;
    json_t *instance = instance_parse((const char *)data, size, why);
    FILE *memory;

    if (instance == NULL)
        return 0;
    memory = open_memstream(&text, &length);
    if (memory != NULL) {
        instance_print(instance, memory);
        fclose(memory);
        check_text(text, length);
        free(text);
    }
    (void)instance_is_active(instance);
    json_decref(instance);
    return 0;
}
