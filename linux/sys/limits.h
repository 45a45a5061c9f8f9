/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many more tasks (threads or processes) this process may have. Read from /proc and cgroupfs,
 * so the answers are remembered by limits_workers() for the time after chroot().
 */
#ifndef DCO_SYS_LIMITS_H
#define DCO_SYS_LIMITS_H

#include <stdbool.h>
#include <stdio.h>

/* Threads of the plane beside the workers: housekeeping and status. */
#define LIMITS_OWN_THREADS 2
/* Scripts, plugins' children and what these start. */
#define LIMITS_CHILDREN 4

#define LIMITS_NONE 1000000L

/* Tasks that pids.max leaves in the cgroup named by self (text of /proc/self/cgroup) and in those
 * above it; root is where cgroupfs is mounted. LIMITS_NONE if nothing there says a limit. */
long limits_cgroup_room(FILE *self, const char *root);

/* How many of n more threads can be started now, by trying. For cgroups that are not to be seen:
 * `ip netns exec` mounts a /sys without them. */
long limits_thread_room(unsigned n);

/* Whether the threads without which nothing moves can be started, now and after --user. */
bool limits_allow_threads(void);

/* Whether RLIMIT_NOFILE has room for so many descriptors beside openvpn's own. */
bool limits_allow_files(unsigned files);

/* Workers that fit: min(wanted or cores of the affinity mask, SETTINGS_WORKERS_MAX, what TasksMax
 * of the cgroup and RLIMIT_NPROC leave with room for housekeeping and scripts), at least 1. Says in
 * the log when a limit lowered it. openvpn's thread. */
unsigned limits_workers(unsigned wanted);

/* Tasks that RLIMIT_NPROC leaves to a process like this one. Root is exempt as long as it is root;
 * since --user may follow, the limit is taken as if it counted already. */
long limits_nproc_room(void);

#endif
