/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/sys/calls.h"
#include "linux/sys/log.h"
#include "linux/sys/setting_rules.h"
#include "linux/sys/thread.h"

#define CGROUP_DEPTH_MAX 64
#define PROC_ENTRIES_MAX 100000
#define TRIES_MAX        64U
#define TRY_STACK        (64U << 10)
#define FILES_OF_OPENVPN 40U

static bool
read_number(const char *dir, const char *file, long *value)
{
    char path[PATH_MAX];
    bool found;
    FILE *f;

    if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
        return false;
    f = sys()->fopen(path, "re");
    if (f == NULL)
        return false;
    found = fscanf(f, "%ld", value) == 1; /* not for "max" */
    fclose(f);
    return found;
}

static long
directory_room(const char *dir)
{
    long max, current;

    if (!read_number(dir, "pids.max", &max) || !read_number(dir, "pids.current", &current))
        return LIMITS_NONE;
    return max > current ? max - current : 0;
}

/* The smallest room of the group and of all groups above it. */
static long
hierarchy_room(const char *mount, const char *group)
{
    char path[PATH_MAX];
    size_t base = strlen(mount);
    long room = LIMITS_NONE, here;
    char *slash;

    if (snprintf(path, sizeof(path), "%s%s", mount, group) >= (int)sizeof(path))
        return room;
    for (int depth = 0; depth < CGROUP_DEPTH_MAX; depth++) {
        here = directory_room(path);
        room = here < room ? here : room;
        slash = strrchr(path + base, '/');
        if (slash == NULL)
            break;
        *slash = '\0';
    }
    return room;
}

/* One line of /proc/self/cgroup is "0::/group" (v2) or "N:controller,...:/group" (v1). */
static long
line_room(char *line, const char *root)
{
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    char mount[PATH_MAX];
    long plain, hybrid;

    if (group == NULL || group[1] != '/')
        return LIMITS_NONE;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    controllers++;
    if (strcmp(controllers, "pids") == 0) {
        snprintf(mount, sizeof(mount), "%s/pids", root);
        return hierarchy_room(mount, group);
    }
    if (*controllers != '\0')
        return LIMITS_NONE;
    snprintf(mount, sizeof(mount), "%s/unified", root);
    plain = hierarchy_room(root, group);
    hybrid = hierarchy_room(mount, group);
    return plain < hybrid ? plain : hybrid;
}

long
limits_cgroup_room(FILE *self, const char *root)
{
    char line[PATH_MAX];
    long room = LIMITS_NONE, here;

    while (sys()->fgets(line, sizeof(line), self) != NULL) {
        here = line_room(line, root);
        room = here < room ? here : room;
    }
    return room;
}

/* The number of threads of all processes of this user, which the kernel compares with
 * RLIMIT_NPROC. */
static long
tasks_of_user(uid_t uid)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    char path[64];
    struct stat st;
    long tasks = 0;

    for (int i = 0; proc != NULL && i < PROC_ENTRIES_MAX && (entry = readdir(proc)) != NULL; i++) {
        long pid = strtol(entry->d_name, NULL, 10);

        if (pid <= 0)
            continue;
        snprintf(path, sizeof(path), "/proc/%ld/task", pid);
        if (fstatat(AT_FDCWD, path, &st, 0) == 0 && st.st_uid == uid && st.st_nlink > 2)
            tasks += (long)st.st_nlink - 2;
    }
    if (proc != NULL)
        closedir(proc);
    return tasks > 0 ? tasks : 1;
}

long
limits_nproc_room(void)
{
    struct rlimit limit;
    long used;

    if (getrlimit(RLIMIT_NPROC, &limit) < 0 || limit.rlim_cur >= (rlim_t)LIMITS_NONE)
        return LIMITS_NONE;
    used = getuid() == 0 ? 1 : tasks_of_user(getuid());
    return (long)limit.rlim_cur > used ? (long)limit.rlim_cur - used : 0;
}

static void *
wait_for_end(void *arg)
{
    pthread_mutex_t *gate = arg;

    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

long
limits_thread_room(unsigned n)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread[TRIES_MAX];
    unsigned started = 0;

    pthread_mutex_lock(&gate);
    while (started < n && started < TRIES_MAX &&
           thread_start(&thread[started], THREAD_PROBE, TRY_STACK, wait_for_end, &gate) == 0)
        started++;
    pthread_mutex_unlock(&gate);
    for (unsigned i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    return started;
}

bool
limits_allow_threads(void)
{
    const long least = 1 + LIMITS_OWN_THREADS;

    return limits_nproc_room() >= least && limits_thread_room((unsigned)least) >= least;
}

bool
limits_allow_files(unsigned files)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES_OF_OPENVPN + files;
}

static unsigned
cores(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) < 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN); /* more cores than a cpu_set_t holds */

        return online > 0 ? (unsigned)online : 1;
    }
    return (unsigned)CPU_COUNT(&set);
}

static long
cgroup_room(unsigned wanted)
{
    static long remembered = LIMITS_NONE; /* lock: the preload lock */
    FILE *self = sys()->fopen("/proc/self/cgroup", "re");
    unsigned all = wanted + LIMITS_OWN_THREADS + LIMITS_CHILDREN;
    long tried;

    if (self != NULL) {
        remembered = limits_cgroup_room(self, "/sys/fs/cgroup");
        fclose(self);
    }
    if (remembered != LIMITS_NONE)
        return remembered;
    tried = limits_thread_room(all);
    return tried == (long)all ? LIMITS_NONE : tried;
}

unsigned
limits_workers(unsigned wanted)
{
    unsigned n = wanted != 0 ? wanted : cores();
    long by_service, by_user, room;

    n = n < SETTINGS_WORKERS_MAX ? n : SETTINGS_WORKERS_MAX;
    by_service = cgroup_room(n) - LIMITS_OWN_THREADS - LIMITS_CHILDREN;
    by_user = limits_nproc_room() - LIMITS_OWN_THREADS - LIMITS_CHILDREN;
    room = by_service < by_user ? by_service : by_user;
    room = room < 1 ? 1 : room;
    if ((long)n <= room)
        return n;
    log_line(LOG_LEVEL_WARN, "%ld worker%s instead of %u: raise the task limit %s for more", room,
             room == 1 ? "" : "s", n,
             by_service < by_user ? "of the service (TasksMax, pids.max)"
                                  : "of the user (LimitNPROC, ulimit -u)");
    return (unsigned)room;
}

void
limits_raise_files(unsigned times)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur =
        limit.rlim_max / times > limit.rlim_cur ? limit.rlim_cur * times : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}
