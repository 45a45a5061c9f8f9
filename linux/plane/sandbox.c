/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker thread may still do once it runs. The filter and no_new_privs are the thread's own;
 * openvpn's thread is not touched.
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
#include <linux/capability.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "linux/plane/internal.h"

/* Names, not numbers: one that an architecture does not have is left out. */
static const char *const allowed[] = {
    /* waiting */
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
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
    /* packets */
    "read",
    "write",
    "readv",
    "writev",
    "io_submit",
    "recvmsg",
    "recvmmsg",
    "recvmmsg_time64",
    "recvfrom",
    "sendmsg",
    "sendmmsg",
    "sendto",
    "getsockopt",
    "epoll_ctl",
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
};

/* -1 of libseccomp's pseudo numbers: this architecture reaches the call otherwise or not at all. */
static int
allow(scmp_filter_ctx ctx, const char *name, unsigned args, const struct scmp_arg_cmp *cmp)
{
    int number = seccomp_syscall_resolve_name(name);

    return number < 0 ? 0 : seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, number, args, cmp);
}

static int
allow_all(scmp_filter_ctx ctx)
{
    const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    const struct scmp_arg_cmp queue_length = SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, SIOCOUTQ);
    const struct scmp_arg_cmp this_process = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
        rc = allow(ctx, allowed[i], 0, NULL);
    rc = rc != 0 ? rc : allow(ctx, "mmap", 1, &no_exec);
    rc = rc != 0 ? rc : allow(ctx, "mmap2", 1, &no_exec);
    rc = rc != 0 ? rc : allow(ctx, "mprotect", 1, &no_exec);
    rc = rc != 0 ? rc : allow(ctx, "ioctl", 1, &queue_length);
    return rc != 0 ? rc : allow(ctx, "tgkill", 1, &this_process);
}

static int
load_filter(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc;

    if (ctx == NULL)
        return -ENOMEM;
    /* Denied calls show in the audit log where the kernel knows how. */
    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
    rc = allow_all(ctx);
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    return rc;
}

/* Capabilities belong to threads: this one keeps the two and those only if it has them. */
int
sandbox_drop_capabilities(void)
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

int
sandbox_enter_worker(void)
{
    int rc = sandbox_drop_capabilities();

    return rc < 0 ? rc : load_filter();
}
