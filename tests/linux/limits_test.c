/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many workers fit, on trees that look like cgroupfs and under real resource limits. If this
 * failed, openvpn under a stock systemd unit could not start its scripts, or would lose offload.
 */
#include "linux/sys/limits.h"

#include <sched.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "linux/sys/setting_rules.h"

static char root[64];

static void
tree_make(void)
{
    snprintf(root, sizeof(root), "/tmp/opendco-limits.XXXXXX");
    CHECK(mkdtemp(root) != NULL);
}

static void
tree_remove(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s", root);
    CHECK(system(command) == 0);
}

static void
put(const char *group, const char *file, const char *value)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "mkdir -p %s%s", root, group);
    CHECK(system(path) == 0);
    snprintf(path, sizeof(path), "%s%s/%s", root, group, file);
    f = fopen(path, "w");
    CHECK(f != NULL);
    if (f != NULL) {
        fputs(value, f);
        fclose(f);
    }
}

static void
put_group(const char *group, const char *max, const char *current)
{
    put(group, "pids.max", max);
    put(group, "pids.current", current);
}

static long
room(const char *self)
{
    FILE *f = fmemopen((void *)self, strlen(self), "r");
    long left = limits_cgroup_room(f, root);

    fclose(f);
    return left;
}

TEST("cgroup v2")
{
    tree_make();
    put_group("/system.slice", "max\n", "50\n");
    put_group("/system.slice/vpn.service", "10\n", "1\n");
    CHECK_EQ(room("0::/system.slice/vpn.service\n"), 9);
    put_group("/system.slice", "53\n", "50\n"); /* the slice is tighter */
    CHECK_EQ(room("0::/system.slice/vpn.service\n"), 3);
    put_group("/system.slice/vpn.service", "10\n", "12\n"); /* lowered afterwards */
    CHECK_EQ(room("0::/system.slice/vpn.service\n"), 0);
    CHECK_EQ(room("0::/\n"), LIMITS_NONE);
    CHECK_EQ(room("0::/elsewhere\n"), LIMITS_NONE);
    tree_remove();
}

TEST("cgroup v1 and hybrid")
{
    tree_make();
    put_group("/pids/a/b", "20\n", "5\n");
    put_group("/unified/a/b", "max\n", "5\n");
    CHECK_EQ(room("9:name=systemd:/x\n8:pids:/a/b\n7:cpu,cpuacct:/a\n0::/a/b\n"), 15);
    put_group("/unified/a", "8\n", "5\n");
    CHECK_EQ(room("8:pids:/a/b\n0::/a/b\n"), 3);
    tree_remove();
}

TEST("nonsense in control files means no limit")
{
    static const char *const lines[] = {
        "\n", ":\n", "::\n", "0:\n", "0::\n", "0::relative\n", "0::/../..\n", "pids\n", "8:pids\n",
    };
    char *longest = malloc(20000);

    tree_make();
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        CHECK_EQ(room(lines[i]), LIMITS_NONE);
    memset(longest, '/', 19999);
    memcpy(longest, "0::", 3);
    longest[19999] = '\0';
    CHECK_EQ(room(longest), LIMITS_NONE);
    put_group("/g", "many\n", "x\n");
    CHECK_EQ(room("0::/g\n"), LIMITS_NONE);
    put_group("/g", "-5\n", "1\n");
    CHECK_EQ(room("0::/g\n"), 0);
    free(longest);
    tree_remove();
}

/* In a child: the limit of the user, and the cores it may run on. */
static int
workers_under(rlim_t nproc, unsigned cores, unsigned wanted)
{
    struct rlimit limit = {.rlim_cur = nproc, .rlim_max = nproc};
    int status = -1;
    cpu_set_t set;
    pid_t child = fork();

    if (child == 0) {
        if (cores != 0) {
            CPU_ZERO(&set);
            for (unsigned i = 0; i < cores; i++)
                CPU_SET(i, &set);
            if (sched_setaffinity(0, sizeof(set), &set) < 0)
                _exit(255);
        }
        if (nproc != 0 && setrlimit(RLIMIT_NPROC, &limit) < 0)
            _exit(254);
        _exit((int)limits_workers(wanted));
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Root of the machine, whom the kernel exempts; not of a user namespace. */
static bool
is_root(void)
{
    FILE *f = fopen("/proc/self/uid_map", "re");
    unsigned inside = 1, outside = 1;

    if (f != NULL) {
        if (fscanf(f, "%u %u", &inside, &outside) != 2)
            outside = 1;
        fclose(f);
    }
    return getuid() == 0 && inside == 0 && outside == 0;
}

TEST("cores, wishes and the limit of the user")
{
    if (!is_root())
        test_skip("not root: the limit counts every process of this user");
    CHECK_EQ(workers_under(0, 1, 0), 1);
    CHECK_EQ(workers_under(0, 1, 6), 6);
    CHECK_EQ(workers_under(0, 1, 1000), SETTINGS_WORKERS_MAX);
    CHECK_EQ(workers_under(10, 1, 8), 10 - 1 - LIMITS_OWN_THREADS - LIMITS_CHILDREN);
    CHECK_EQ(workers_under(10, 1, 2), 2);
    CHECK_EQ(workers_under(1, 1, 8), 1);
}

/* As a user whom the kernel does not exempt. */
TEST("how many threads can be started, by trying")
{
    struct rlimit limit = {.rlim_cur = 5, .rlim_max = 5};
    int status = -1;
    pid_t child;

    CHECK_EQ(limits_thread_room(20), 20);
    CHECK_EQ(limits_thread_room(0), 0);
    if (getuid() != 0)
        test_skip("not root");
    child = fork();
    if (child == 0) {
        if (setrlimit(RLIMIT_NPROC, &limit) < 0 || setresuid(54321, 54321, 54321) < 0)
            _exit(255);
        _exit((int)limits_thread_room(20));
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    if (WEXITSTATUS(status) == 255)
        test_skip("the user cannot be changed here");
    else
        CHECK_EQ(WEXITSTATUS(status), 4);
}

static int
files_after(rlim_t soft, rlim_t hard, unsigned times)
{
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
            _exit(255);
        limits_raise_files(times);
        _exit(getrlimit(RLIMIT_NOFILE, &limit) < 0 ? 255 : (int)limit.rlim_cur);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

TEST("the limit on files is raised as far as it may be")
{
    CHECK_EQ(files_after(20, 200, 3), 60);
    CHECK_EQ(files_after(20, 50, 3), 50);
    CHECK_EQ(files_after(50, 50, 3), 50);
}
