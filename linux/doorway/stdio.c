/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/doorway/stdio.h"

#include <fcntl.h>
#include <unistd.h>

#include "linux/doorway/real.h"
#include "linux/plane/log.h"

/* The kernel gives the lowest number that is free. */
void
stdio_reserve(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (real()->fcntl(fd, F_GETFD) < 0)
            (void)real()->open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void
stdio_duplicated(int fd)
{
    if (fd == STDERR_FILENO)
        dco_log_stderr();
}
