/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns 0 or an errno value. */
static int
write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);

        if (written < 0 && errno != EINTR)
            return errno;
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

static int
write_new(const char *path, const char *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    int err;

    if (fd < 0)
        return errno;
    err = fchmod(fd, 0644) < 0 ? errno : write_all(fd, bytes, length);
    if (err == 0 && fsync(fd) < 0)
        err = errno;
    close(fd);
    return err;
}

int
file_replace(const char *path, const char *bytes, size_t length)
{
    char temporary[PATH_MAX];
    int err;

    if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
        return ENAMETOOLONG;
    unlink(temporary); /* of a command that was interrupted */
    err = write_new(temporary, bytes, length);
    if (err == 0 && rename(temporary, path) < 0)
        err = errno;
    if (err != 0)
        unlink(temporary);
    return err;
}
