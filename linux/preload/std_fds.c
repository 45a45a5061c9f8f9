/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/std_fds.h"

#include <fcntl.h>
#include <unistd.h>

#include "linux/sys/calls.h"
#include "linux/sys/log.h"

/* The kernel gives the lowest number that is free. */
void
stdio_reserve(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (sys()->fcntl(fd, F_GETFD) < 0)
            (void)sys()->open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void
stdio_duplicated(int fd)
{
    if (fd == STDERR_FILENO)
        log_stderr();
}
