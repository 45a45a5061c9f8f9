/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a thread of the plane may still do once it runs. The filter and no_new_privs are the
 * thread's own; openvpn's thread is not touched.
 *
 * What this is and is not: all threads share one memory. The filter is a hurdle for code that was
 * taken over inside one of ours, not a boundary: whoever can write anywhere can reach openvpn's own
 * thread, which has no filter.
 *
 * Anything else answers EPERM instead of ending the process: a wrong turn of one worker then costs
 * a packet and an audit line, where SIGSYS would cost every peer's session; and who runs code of
 * their own in this address space is not stopped better by a signal than by a call that does
 * nothing.
 *
 * set*id() has to work: glibc makes every thread of the process repeat it and calls abort() when
 * the outcomes differ. Hence these calls are allowed and the capabilities for them kept. The kernel
 * clears both capabilities by itself once the user is no longer root.
 */
#include "linux/sys/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
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
#include "core/atomic.h"
#include "linux/sys/log.h"

/* Names, not numbers: one that an architecture does not have is left out. NULL ends a list. */
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
    /* descriptors that are there */
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
    /* the thread itself, and an abort() that must not be lost */
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
    "recvmmsg_time64", "sendmmsg",    "io_submit",    NULL,
};

/* Questions about paths go over sockets that openvpn's thread has made (pathmtu.c); the last
 * reference to a port closes what is left of it; and a signal for openvpn needs a timer
 * (restart.c).
 */
static const char *const for_housekeeping[] = {
    "bind",          "connect",      "close",           "timer_create",
    "timer_settime", "timer_delete", "timer_settime64", NULL,
};

static const char *const for_status[] = {
    "accept4", "accept", "close", "geteuid", "geteuid32", NULL,
};

/* One ioctl request each; 0 ends the list. */
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

#define ABSENT   1 /* there is no such thread now */
#define FILTERED 0 /* else a negative errno: why it is not */

static int states[SANDBOX_THREADS] = {[0 ... SANDBOX_THREADS - 1] = ABSENT}; /* atomic */

static pthread_once_t time_zone = PTHREAD_ONCE_INIT;

static const struct profile *
profile_of(unsigned thread)
{
    return thread == SANDBOX_HOUSEKEEPING ? &housekeeping_profile
           : thread == SANDBOX_STATUS     ? &status_profile
                                          : &worker_profile;
}

/* -1 of libseccomp's pseudo numbers: this architecture reaches the call otherwise or not at all. */
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
    /* fstat(), by which the log sees whether standard error is still the same file */
    const struct scmp_arg_cmp by_number = SCMP_A3(SCMP_CMP_MASKED_EQ, 0xffffffff, AT_EMPTY_PATH);
    int rc = allow_names(ctx, for_all);

    rc = rc != 0 ? rc : allow_names(ctx, profile->calls);
    rc = rc != 0 ? rc : allow_ioctls(ctx, profile->ioctls);
    rc = rc != 0 ? rc : allow(ctx, "newfstatat", 1, &by_number);
    rc = rc != 0 ? rc : allow(ctx, "mmap", 1, &no_exec);
    rc = rc != 0 ? rc : allow(ctx, "mmap2", 1, &no_exec);
    rc = rc != 0 ? rc : allow(ctx, "mprotect", 1, &no_exec);
    return rc != 0 ? rc : allow(ctx, "tgkill", 1, &this_process);
}

/* systemd's set of calls for services, whose breach ends the process by default, has prctl(2) but
 * not seccomp(2). Costs the audit lines. */
static void
respect_outer_filter(void)
{
    if (prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER)
        (void)seccomp_api_set(1);
}

static int
load_filter(const struct profile *profile)
{
    scmp_filter_ctx ctx;
    int rc;

    respect_outer_filter();
    ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (ctx == NULL)
        return -ENOMEM;
    /* Denied calls show in the audit log where the kernel knows how. */
    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
    /* The kernel's own errno instead of ECANCELED. */
    seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1);
    rc = allow_all(ctx, profile);
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    return rc;
}

/* Capabilities belong to threads: this one keeps the two and those only if it has them. */
static int
drop_capabilities(void)
{
    struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2];
    const uint32_t keep = 1U << CAP_SETUID | 1U << CAP_SETGID;

    if (syscall(SYS_capget, &hdr, caps) < 0)
        return -errno;
    caps[0].permitted &= keep;
    caps[0].effective &= keep;
    caps[1].permitted = caps[1].effective = 0;
    caps[0].inheritable = caps[1].inheritable = 0;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &hdr, caps) < 0 ? -errno : 0;
}

void
sandbox_thread_name(unsigned thread, char *name, size_t size)
{
    if (thread < SANDBOX_WORKERS_MAX)
        snprintf(name, size, "opendco/%u", thread);
    else
        snprintf(name, size, "opendco-%s", thread == SANDBOX_HOUSEKEEPING ? "house" : "status");
}

int
sandbox_enter(unsigned thread)
{
    char name[16];
    int rc;

    /* Later the time zone cannot be read any more, and lines of the log bear the time. */
    (void)pthread_once(&time_zone, tzset);
    rc = drop_capabilities();
    if (rc == 0)
        rc = load_filter(profile_of(thread));
    dco_store(&states[thread], rc < 0 ? rc : FILTERED);
    if (rc == 0)
        return 0;
    sandbox_thread_name(thread, name, sizeof(name));
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
