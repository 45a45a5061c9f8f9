/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/runtime_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
join(const char *prefix, const char *suffix, char *path, size_t size)
{
    if (prefix == NULL || *prefix == '\0')
        return -ENOENT;
    return snprintf(path, size, "%s%s", prefix, suffix) >= (int)size ? -ENAMETOOLONG : 0;
}

const char *
runtime_dir_chosen(void)
{
    const char *chosen = getenv("OPENDCO_RUNTIME_DIR");

    return chosen != NULL && *chosen != '\0' ? chosen : NULL;
}

/* systemd separates the folders of a service by colons. */
static int
service_dir(const char *list, char *path, size_t size)
{
    size_t len = strcspn(list, ":");

    return snprintf(path, size, "%.*s/opendco", (int)len, list) >= (int)size ? -ENAMETOOLONG : 0;
}

int
runtime_dir_path(char *path, size_t size)
{
    const char *chosen = runtime_dir_chosen(), *service = getenv("RUNTIME_DIRECTORY");

    if (chosen != NULL)
        return join(chosen, "", path, size);
    if (geteuid() == 0)
        return join("/run", "/opendco", path, size);
    if (service != NULL && *service == '/')
        return service_dir(service, path, size);
    return join(getenv("XDG_RUNTIME_DIR"), "/opendco", path, size);
}

bool
runtime_dir_is_private(const struct stat *status)
{
    return (status->st_uid == 0 || status->st_uid == geteuid()) &&
           (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}
