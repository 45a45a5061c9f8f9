/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many more tasks (threads or processes) this process may have. The answers come from /proc and
 * cgroupfs, which are out of reach after chroot(); limits_workers() remembers them.
 */
#ifndef DCO_SYS_LIMITS_H
#define DCO_SYS_LIMITS_H

#include <stdbool.h>
#include <stdio.h>

/* Threads of the plane beside the workers: housekeeping and status. */
#define LIMITS_OWN_THREADS 2
/* Tasks left for the scripts and plugins of openvpn and for their children. */
#define LIMITS_CHILDREN 4

#define LIMITS_NONE 1000000L /* no limit */

/* How many tasks pids.max leaves in the cgroup that self (the text of /proc/self/cgroup) names and
 * in those above it; root is the mount point of cgroupfs. LIMITS_NONE if no limit is found. */
long limits_cgroup_room(FILE *self, const char *root);

/* Measures how many more threads can be started now, by starting up to n. For cgroup limits that
 * are not visible: `ip netns exec` mounts a /sys without them. */
long limits_thread_room(unsigned n);

/* Whether one worker and our other threads can be started, now and after openvpn's --user. */
bool limits_allow_threads(void);

/* Whether RLIMIT_NOFILE has room for this many descriptors beside openvpn's own. */
bool limits_allow_files(unsigned files);

/* Raises the soft RLIMIT_NOFILE to this many times what it is, at most to the hard one. */
void limits_raise_files(unsigned times);

/* How many workers fit: the wanted number (0: one per processor of the affinity mask), at most
 * SETTINGS_WORKERS_MAX and what TasksMax of the cgroup and RLIMIT_NPROC leave beside housekeeping,
 * status and scripts; at least 1. If a limit lowers the number, a line in the log names the limit.
 * openvpn's thread. */
unsigned limits_workers(unsigned wanted);

/* How many tasks RLIMIT_NPROC leaves. The kernel exempts root; but because openvpn may change its
 * user later (--user), the limit counts for root as well. */
long limits_nproc_room(void);

#endif
