/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/std_fds.h"

#include <fcntl.h>
#include <unistd.h>

#include "linux/sys/calls.h"
#include "linux/sys/log.h"

/* open() returns the lowest free number, which is fd in this loop. */
void
std_fds_reserve(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (sys()->fcntl(fd, F_GETFD) < 0)
            (void)sys()->open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void
std_fds_duplicated(int fd)
{
    if (fd == STDERR_FILENO)
        log_stderr();
}
