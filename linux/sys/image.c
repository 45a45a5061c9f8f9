/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/image.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>

#include "linux/sys/build_id.h"

/* Written once by image_init(). */
static char path[PATH_MAX];
static char build_id[BUILD_ID_TEXT];

void
image_init(void)
{
    Dl_info info;

    if (*path != '\0')
        return;
    if (dladdr(build_id, &info) == 0 || info.dli_fname == NULL ||
        strlen(info.dli_fname) >= sizeof(path))
        return;
    memcpy(path, info.dli_fname, strlen(info.dli_fname) + 1);
    /* The first page begins with the headers of the file. */
    (void)build_id_of(info.dli_fbase, BUILD_ID_IMAGE, build_id);
}

const char *
image_path(void)
{
    return path;
}

const char *
image_build_id(void)
{
    return build_id;
}
