/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter and no_new_privs apply to the calling thread only; openvpn's thread keeps its rights.
 *
 * The filter is a hurdle for hijacked code in one of our threads, not a boundary: all threads share
 * one memory, so code that can write anywhere reaches openvpn's own thread, which has no filter.
 *
 * A refused call returns EPERM instead of ending the process. A mistake of one worker then costs a
 * packet and an audit line, where SIGSYS would cost the session of every peer. EPERM stops an
 * attacker with code execution as well as SIGSYS does.
 *
 * set*id() must work: glibc makes every thread of the process repeat it, and calls abort() if the
 * results differ. So the filter allows these calls, and the threads keep the two capabilities for
 * them. The kernel clears both when the user is no longer root.
 */
#include "linux/sys/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/atomic.h"
#include "linux/sys/log.h"
#include "linux/sys/outer_filter.h"

/* Names, because some architectures lack some calls; those are left out. NULL ends a list. */
static const char *const for_all[] = {
    /* waiting */
    "poll",
    "ppoll",
    "ppoll_time64",
    "futex",
    "futex_time64",
    "futex_waitv",
    "sched_yield",
    "nanosleep",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "restart_syscall",
    /* using descriptors that exist */
    "read",
    "write",
    "readv",
    "writev",
    "recvmsg",
    "recvfrom",
    "sendmsg",
    "sendto",
    "getsockopt",
    "fstat",
    "fstat64",
    /* time and memory */
    "clock_gettime",
    "clock_gettime64",
    "clock_getres",
    "gettimeofday",
    "time",
    "brk",
    "munmap",
    "mremap",
    "madvise",
    "getrandom",
    "sched_getaffinity",
    "getcpu",
    "rseq",
    "membarrier",
    /* the thread itself, and abort(), which must still end the process */
    "getpid",
    "gettid",
    "rt_sigreturn",
    "sigreturn",
    "rt_sigprocmask",
    "rt_sigaction",
    "sigaltstack",
    "exit",
    "exit_group",
    /* glibc's broadcast of set*id() */
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setuid32",
    "setgid32",
    "setreuid32",
    "setregid32",
    "setresuid32",
    "setresgid32",
    "setgroups32",
    NULL,
};

static const char *const for_workers[] = {
    "epoll_wait",      "epoll_pwait", "epoll_pwait2", "epoll_ctl", "recvmmsg",
    "recvmmsg_time64", "sendmmsg",    "io_submit",    "shutdown",  NULL,
};

/* Housekeeping asks the kernel about paths over sockets that openvpn's thread has made
 * (pathmtu.c), closes a port with its last reference, and arms the timer of a signal for openvpn
 * (restart_timer.c). */
static const char *const for_housekeeping[] = {
    "bind",          "connect",      "close",           "shutdown", "timer_create",
    "timer_settime", "timer_delete", "timer_settime64", NULL,
};

static const char *const for_status[] = {
    "accept4", "accept", "close", "geteuid", "geteuid32", NULL,
};

/* Allowed ioctl requests; 0 ends a list. */
static const unsigned long worker_ioctls[] = {SIOCOUTQ, 0};
static const unsigned long housekeeping_ioctls[] = {0};
static const unsigned long status_ioctls[] = {SIOCGIFNAME, SIOCGIFMTU, 0};

struct profile {
    const char *const *calls;
    const unsigned long *ioctls;
};

static const struct profile worker_profile = {for_workers, worker_ioctls};
static const struct profile housekeeping_profile = {for_housekeeping, housekeeping_ioctls};
static const struct profile status_profile = {for_status, status_ioctls};

/* The state of a thread; any other value is the negative errno of its missing filter. */
#define ABSENT   1 /* it does not run */
#define FILTERED 0

/* Of all our threads in this process. */
static int states[THREADS] = {[0 ... THREADS - 1] = ABSENT}; /* atomic */

static pthread_once_t time_zone = PTHREAD_ONCE_INIT;

static const struct profile *
profile_of(unsigned thread)
{
    return thread == THREAD_HOUSEKEEPING ? &housekeeping_profile
           : thread == THREAD_STATUS     ? &status_profile
                                         : &worker_profile;
}

/* A negative number means that this architecture does not have the call, or has it under another
 * one (libseccomp's pseudo numbers). */
static int
allow(scmp_filter_ctx ctx, const char *name, unsigned args, const struct scmp_arg_cmp *cmp)
{
    int number = seccomp_syscall_resolve_name(name);

    return number < 0 ? 0 : seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, number, args, cmp);
}

static int
allow_names(scmp_filter_ctx ctx, const char *const *name)
{
    int rc = 0;

    for (; rc == 0 && *name != NULL; name++)
        rc = allow(ctx, *name, 0, NULL);
    return rc;
}

static int
allow_ioctls(scmp_filter_ctx ctx, const unsigned long *request)
{
    int rc = 0;

    for (; rc == 0 && *request != 0; request++) {
        const struct scmp_arg_cmp this_one = SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, *request);

        rc = allow(ctx, "ioctl", 1, &this_one);
    }
    return rc;
}

static int
allow_all(scmp_filter_ctx ctx, const struct profile *profile)
{
    const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    const struct scmp_arg_cmp this_process = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
    /* fstat(), with which the log checks that standard error is still the same file */
    const struct scmp_arg_cmp by_fd = SCMP_A3(SCMP_CMP_MASKED_EQ, 0xffffffff, AT_EMPTY_PATH);
    int rc = allow_names(ctx, for_all);

    rc = rc != 0 ? rc : allow_names(ctx, profile->calls);
    rc = rc != 0 ? rc : allow_ioctls(ctx, profile->ioctls);
    rc = rc != 0 ? rc : allow(ctx, "newfstatat", 1, &by_fd);
    rc = rc != 0 ? rc : allow(ctx, "mmap", 1, &no_exec);
    rc = rc != 0 ? rc : allow(ctx, "mmap2", 1, &no_exec);
    rc = rc != 0 ? rc : allow(ctx, "mprotect", 1, &no_exec);
    return rc != 0 ? rc : allow(ctx, "tgkill", 1, &this_process);
}

static int
load_filter(const struct profile *profile)
{
    scmp_filter_ctx ctx;
    int rc;

    /* Then libseccomp must use prctl(2), which costs the audit lines. */
    if (outer_filter_kills(SYS_seccomp))
        (void)seccomp_api_set(1);
    ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (ctx == NULL)
        return -ENOMEM;
    /* Refused calls appear in the audit log, if the kernel supports that. */
    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
    /* Errors are the kernel's errno instead of ECANCELED. */
    seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1);
    rc = allow_all(ctx, profile);
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    return rc;
}

/* Capabilities belong to threads. This thread keeps at most these two, unless a filter of the
 * service forbids to give any up. */
static int
drop_capabilities(void)
{
    struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2];
    const uint32_t keep = 1U << CAP_SETUID | 1U << CAP_SETGID;

    if (outer_filter_kills(SYS_capset))
        return 0;
    if (syscall(SYS_capget, &hdr, caps) < 0)
        return -errno;
    caps[0].permitted &= keep;
    caps[0].effective &= keep;
    caps[1].permitted = caps[1].effective = 0;
    caps[0].inheritable = caps[1].inheritable = 0;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &hdr, caps) < 0 ? -errno : 0;
}

int
sandbox_enter(unsigned thread)
{
    char name[16];
    int rc;

    /* Lines of the log hold the local time, and the filter forbids to read the time zone. */
    (void)pthread_once(&time_zone, tzset);
    rc = drop_capabilities();
    if (rc == 0)
        rc = load_filter(profile_of(thread));
    dco_store(&states[thread], rc < 0 ? rc : FILTERED);
    if (rc == 0)
        return 0;
    thread_name(thread, name, sizeof(name));
    log_line(LOG_LEVEL_WARN,
             "thread %s runs without its system call filter, so a fault in it could do more harm: "
             "%s",
             name, strerror(-rc));
    return rc;
}

void
sandbox_leave(unsigned thread)
{
    dco_store(&states[thread], ABSENT);
}

bool
sandbox_state(unsigned thread, int *err)
{
    int state = dco_load(&states[thread]);

    *err = state == ABSENT ? 0 : state;
    return state != ABSENT;
}
