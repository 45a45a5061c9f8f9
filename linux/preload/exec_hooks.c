/* SPDX-License-Identifier: BSD-2-Clause */
/* The interposed function that starts the scripts of openvpn, in a child of fork(). */
#include <unistd.h>

#include "linux/openvpn/final_counters.h"
#include "linux/preload/hook.h"
#include "linux/sys/calls.h"

HOOK int
execve(const char *path, char *const argv[], char *const envp[])
{
    return sys()->execve(path, argv, final_counters_env(envp));
}
