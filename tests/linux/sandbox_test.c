/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real thread in the sandbox of a worker, of housekeeping and of the status thread can do its
 * work and nothing else. openvpn's thread can still change its user; glibc repeats that in every
 * thread and calls abort() if one of them fails. If this failed, --user would end the process, or a
 * fault in a parser could open files, start programs and reconfigure the network.
 */
#include "linux/sys/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "addresses.h"
#include "harness.h"
#include "linux/crypto/aead.h"
#include "linux/plane/fib.h"
#include "linux/sys/outer_filter.h"
#include "linux/sys/thread.h"

/* A thread that enters the sandbox, runs one function, and stays until it is released. */
struct resident {
    pthread_t thread;
    void (*fn)(void);
    unsigned kind; /* number of the thread that it plays */
    pid_t tid;
    int entered;       /* result of the sandbox */
    int in[2], out[2]; /* pipes: towards and from the thread */
};

static void *
resident_main(void *arg)
{
    struct resident *r = arg;
    char c = 'r';

    r->tid = (pid_t)syscall(SYS_gettid);
    r->entered = sandbox_enter(r->kind);
    if (r->fn != NULL)
        r->fn();
    CHECK(write(r->out[1], &c, 1) == 1);
    while (read(r->in[0], &c, 1) == 1 && c != 'q')
        CHECK(write(r->out[1], &c, 1) == 1);
    sandbox_leave(r->kind);
    return NULL;
}

static void
resident_start(struct resident *r, unsigned kind, void (*fn)(void))
{
    char c = 0;

    memset(r, 0, sizeof(*r));
    r->fn = fn;
    r->kind = kind;
    CHECK(pipe2(r->in, O_CLOEXEC) == 0 && pipe2(r->out, O_CLOEXEC) == 0);
    CHECK(pthread_create(&r->thread, NULL, resident_main, r) == 0);
    CHECK(read(r->out[0], &c, 1) == 1 && c == 'r');
    CHECK_EQ(r->entered, 0);
}

static void
resident_end(struct resident *r)
{
    CHECK(write(r->in[1], "q", 1) == 1);
    pthread_join(r->thread, NULL);
    for (int i = 0; i < 2; i++) {
        close(r->in[i]);
        close(r->out[i]);
    }
}

static bool
resident_answers(struct resident *r)
{
    struct pollfd p = {.fd = r->out[0], .events = POLLIN};
    char c = 0;

    return write(r->in[1], "x", 1) == 1 && poll(&p, 1, 2000) == 1 && read(r->out[0], &c, 1) == 1 &&
           c == 'x';
}

#define WORKER 0U

static void
in_sandbox_of(unsigned kind, void (*fn)(void))
{
    struct resident r;

    resident_start(&r, kind, fn);
    resident_end(&r);
}

static void
in_sandbox(void (*fn)(void))
{
    in_sandbox_of(WORKER, fn);
}

/* Forbidden */

static void
denied(long result, const char *what)
{
    CHECK_THAT(result == -1 && errno == EPERM, "%s: result %ld, errno %d", what, result, errno);
}

/* Whatever the thread is for. */
static void
try_forbidden(void)
{
    struct iovec iov = {0};
    char *args[] = {"/bin/true", NULL};
    struct ifreq ifr = {0};

    denied(socket(AF_INET, SOCK_DGRAM, 0), "socket");
    denied(socket(AF_UNIX, SOCK_STREAM, 0), "socket of the host's services");
    denied(socket(AF_NETLINK, SOCK_RAW, 0), "netlink socket");
    denied(open("/etc/passwd", O_RDONLY), "open");
    denied(open("/tmp/opendco-nonexistent", O_WRONLY | O_CREAT, 0600), "open for writing");
    denied(syscall(SYS_process_vm_writev, getppid(), &iov, 1, &iov, 1, 0), "process_vm_writev");
    denied(mprotect(NULL, 4096, PROT_READ | PROT_EXEC), "mprotect of code");
    denied(syscall(SYS_mount, "none", "/", "", 0, NULL), "mount");
    denied(execve("/bin/true", args, NULL), "execve");
    denied(syscall(SYS_clone, 0, 0, 0, 0, 0), "clone");
    denied(syscall(SYS_ptrace, 0, 0, 0, 0), "ptrace");
    denied(syscall(SYS_process_vm_readv, getppid(), 0, 0, 0, 0, 0), "process_vm_readv");
    denied(syscall(SYS_bpf, 0, 0, 0), "bpf");
    denied(syscall(SYS_io_uring_setup, 1, 0), "io_uring_setup");
    denied(kill(getppid(), 0), "kill");
    denied(syscall(SYS_tgkill, getppid(), getppid(), 0), "tgkill of another process");
    denied(dup2(0, 100), "dup2");
    denied(unlink("/nonexistent"), "unlink");
    denied(prctl(PR_SET_DUMPABLE, 1), "prctl");
    denied(ioctl(0, SIOCSIFMTU, &ifr), "another ioctl");
    denied(setsockopt(0, SOL_SOCKET, SO_MARK, &ifr, 4), "setsockopt");
    denied((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
           "mmap of code");
}

TEST("what no thread needs is refused")
{
    in_sandbox(try_forbidden);
    in_sandbox_of(THREAD_HOUSEKEEPING, try_forbidden);
    in_sandbox_of(THREAD_STATUS, try_forbidden);
}

/* What one kind of thread may do, the others may not. */

static void
try_as_worker(void)
{
    denied(connect(-1, NULL, 0), "connect");
    denied(accept4(-1, NULL, NULL, 0), "accept");
    denied(close(-1), "close");
}

static void
try_as_housekeeping(void)
{
    denied(syscall(SYS_io_submit, 0, 0, NULL), "io_submit");
    denied(accept4(-1, NULL, NULL, 0), "accept");
    denied(epoll_ctl(-1, EPOLL_CTL_DEL, 0, NULL), "epoll_ctl");
}

static void
try_as_status(void)
{
    denied(syscall(SYS_io_submit, 0, 0, NULL), "io_submit");
    denied(connect(-1, NULL, 0), "connect");
    denied(bind(-1, NULL, 0), "bind");
}

TEST("one kind of thread may not do the work of another")
{
    in_sandbox(try_as_worker);
    in_sandbox_of(THREAD_HOUSEKEEPING, try_as_housekeeping);
    in_sandbox_of(THREAD_STATUS, try_as_status);
}

/* Needed */

static int pair[2], epoll_fd;

static void
try_packets(void)
{
    struct epoll_event event;
    struct mmsghdr msgs[1];
    struct iovec iov = {.iov_base = (char[8]){0}, .iov_len = 8};
    int queued = -1;

    memset(msgs, 0, sizeof(msgs));
    msgs[0].msg_hdr.msg_iov = &iov;
    msgs[0].msg_hdr.msg_iovlen = 1;
    CHECK_EQ(sendmmsg(pair[0], msgs, 1, 0), 1);
    CHECK_EQ(ioctl(pair[0], SIOCOUTQ, &queued), 0);
    CHECK(queued > 0);
    CHECK_EQ(epoll_wait(epoll_fd, &event, 1, 1000), 1);
    CHECK_EQ(recvmmsg(pair[1], msgs, 1, 0, NULL), 1);
    CHECK_EQ(writev(pair[0], &iov, 1), 8);
    CHECK_EQ(syscall(SYS_io_submit, 0, 0, NULL), -1);
    CHECK_EQ(errno, EINVAL); /* no such context; not EPERM */
    CHECK_EQ(readv(pair[1], &iov, 1), 8);
    CHECK_EQ(sendmsg(pair[0], &msgs[0].msg_hdr, MSG_NOSIGNAL), 8);
    CHECK_EQ(recvmsg(pair[1], &msgs[0].msg_hdr, 0), 8);
}

TEST("a worker may wait and move packets")
{
    struct epoll_event event = {.events = EPOLLIN};

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pair[1], &event) == 0);
    in_sandbox(try_packets);
    close(pair[0]);
    close(pair[1]);
    close(epoll_fd);
}

/* A question about a path, over a socket that is there. */
static int probe = -1;

static void
try_housekeeping(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    timer_t timer;
    int mtu = 0;
    socklen_t len = sizeof(mtu);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(connect(probe, (struct sockaddr *)&in, sizeof(in)), 0);
    CHECK_EQ(getsockopt(probe, IPPROTO_IP, IP_MTU, &mtu, &len), 0);
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    CHECK_EQ(timer_delete(timer), 0);
    CHECK_EQ(close(probe), 0);
}

TEST("housekeeping may ask for paths and set timers")
{
    probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(probe >= 0);
    in_sandbox_of(THREAD_HOUSEKEEPING, try_housekeeping);
}

static struct fib fib;

static void
try_question(void)
{
    struct fib_flow flow = {.dst = ip4(127, 0, 0, 1)};

    CHECK_EQ(fib_leads_to(&fib, &flow, 1), 0); /* this host; not an error */
}

TEST("housekeeping may ask about routes")
{
    CHECK_EQ(fib_open(&fib), 0);
    in_sandbox(try_question);
    fib_close(&fib);
}

static void
try_memory(void)
{
    for (size_t size = 1; size < 64U << 20; size *= 4) {
        char *p = malloc(size);

        CHECK(p != NULL);
        if (p != NULL) {
            memset(p, 1, size);
            p = realloc(p, size * 2);
        }
        free(p);
    }
}

TEST("every thread may allocate memory")
{
    in_sandbox(try_memory);
}

/* The first use of a cipher in a thread makes what it needs there and then. */
static void
try_ciphers(void)
{
    static const struct {
        enum dco_cipher cipher;
        size_t len;
    } kinds[] = {
        {DCO_CIPHER_AES_GCM, 16}, {DCO_CIPHER_AES_GCM, 32}, {DCO_CIPHER_CHACHA20_POLY1305, 32}};
    uint8_t key[32] = {1}, tail[DCO_NONCE_TAIL_LEN] = {2}, pkt[DCO_OVERHEAD + 100] = {0};
    uint8_t text[100] = {3};

    for (size_t i = 0; i < 3; i++) {
        struct aead *aead = aead_new(kinds[i].cipher, key, key, kinds[i].len, tail, tail, 1);
        struct aead_op op = {.pkt = pkt, .in = text, .len = sizeof(text)};

        CHECK(aead != NULL);
        if (aead == NULL)
            continue;
        dco_wire_write_hdr(pkt, 0, 1, 1);
        aead_seal(aead, 0, &op, 1);
        CHECK(op.ok);
        op.ok = false;
        aead_open(aead, 0, &op, 1);
        CHECK(op.ok && memcmp(pkt + DCO_OVERHEAD, text, sizeof(text)) == 0);
        aead_free(aead);
    }
}

TEST("a worker may use the ciphers of both libraries")
{
    in_sandbox(try_ciphers);
    setenv("OPENDCO_AEAD", "openssl", 1);
    in_sandbox(try_ciphers);
    unsetenv("OPENDCO_AEAD");
}

/* Privileges */

static unsigned long long
task_field(pid_t tid, const char *field)
{
    char path[64], line[256];
    unsigned long long value = ~0ULL;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)tid);
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtoull(line + strlen(field), NULL, 16);
    if (f != NULL)
        fclose(f);
    return value;
}

static void
capabilities_of(unsigned kind)
{
    const unsigned long long keep = 1ULL << CAP_SETUID | 1ULL << CAP_SETGID;
    unsigned long long before = task_field(getpid(), "CapEff:");
    struct resident r;
    int fd;

    resident_start(&r, kind, NULL);
    CHECK((task_field(r.tid, "CapEff:") & ~keep) == 0);
    CHECK((task_field(r.tid, "CapPrm:") & ~keep) == 0);
    CHECK_EQ((long long)task_field(r.tid, "CapInh:"), 0);
    CHECK_EQ((long long)task_field(r.tid, "CapAmb:"), 0);
    CHECK_EQ((long long)task_field(r.tid, "NoNewPrivs:"), 1);
    CHECK_EQ((long long)task_field(r.tid, "Seccomp:"), 2);
    /* openvpn's thread keeps all it has. */
    CHECK(task_field(getpid(), "CapEff:") == before);
    CHECK_EQ((long long)task_field(getpid(), "NoNewPrivs:"), 0);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    close(fd);
    resident_end(&r);
}

TEST("capabilities and no_new_privs of this thread only")
{
    capabilities_of(WORKER);
    capabilities_of(THREAD_HOUSEKEEPING);
    capabilities_of(THREAD_STATUS);
}

/* A thread that gets no filter */

static int
child_without_filters(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    struct resident r = {0};
    int err = 0;
    char c;

    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(seccomp), 0);
    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(prctl), 1,
                     SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP));
    if (seccomp_load(ctx) < 0)
        return 10;
    r.kind = THREAD_HOUSEKEEPING;
    if (pipe2(r.in, O_CLOEXEC) < 0 || pipe2(r.out, O_CLOEXEC) < 0 ||
        pthread_create(&r.thread, NULL, resident_main, &r) != 0)
        return 11;
    if (read(r.out[0], &c, 1) != 1 || !resident_answers(&r) || r.entered != -EACCES)
        return 12;
    if (!sandbox_state(THREAD_HOUSEKEEPING, &err) || err != -EACCES)
        return 13;
    if (sandbox_state(THREAD_STATUS, &err))
        return 14;
    resident_end(&r);
    return sandbox_state(THREAD_HOUSEKEEPING, &err) ? 15 : 0;
}

TEST("a thread that gets no filter says so")
{
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        _exit(child_without_filters());
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    if (WIFEXITED(status))
        CHECK_EQ(WEXITSTATUS(status), 0);
}

/* What the service brought along may end the process for seccomp(2): then it must not be called. */
static int
child_of_a_service(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    struct resident r;

    seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, SCMP_SYS(seccomp), 0);
    if (seccomp_load(ctx) < 0)
        return 10;
    outer_filter_probe();
    resident_start(&r, WORKER, NULL);
    resident_end(&r);
    return r.entered != 0;
}

TEST("a service whose own filter forbids seccomp(2)")
{
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        _exit(child_of_a_service());
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    if (WIFEXITED(status))
        CHECK_EQ(WEXITSTATUS(status), 0);
}

/* Both ways in which openvpn gives up its user, in a child of their own. */
static int
plain_change(void)
{
    return setgid(65534) != 0 || setgroups(0, NULL) != 0 || setuid(65534) != 0;
}

static int
change_with_capabilities(void)
{
    struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2] = {{.permitted = 1U << CAP_NET_ADMIN}};

    caps[0].effective = caps[0].permitted;
    return prctl(PR_SET_KEEPCAPS, 1) != 0 || setresgid(65534, 65534, 65534) != 0 ||
           setgroups(0, NULL) != 0 || setresuid(65534, 65534, 65534) != 0 ||
           syscall(SYS_capset, &hdr, caps) != 0;
}

static int
child_changes_user(int (*change)(void))
{
    static const unsigned played[3] = {WORKER, THREAD_HOUSEKEEPING, THREAD_STATUS};
    struct resident r[3];

    for (int i = 0; i < 3; i++)
        resident_start(&r[i], played[i], NULL);
    if (change() != 0)
        return 10;
    for (int i = 0; i < 3; i++) {
        if (!resident_answers(&r[i]))
            return 11;
        if (task_field(r[i].tid, "CapEff:") != 0 || task_field(r[i].tid, "CapPrm:") != 0)
            return 12;
    }
    if (change == plain_change && setuid(65534) != 0) /* once more, without any right */
        return 13;
    for (int i = 0; i < 3; i++)
        resident_end(&r[i]);
    return 0;
}

/* Root of a user namespace may have no other user. */
static bool
users_can_change(int (*change)(void))
{
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        _exit(change() != 0);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static void
test_change(int (*change)(void))
{
    int status = -1;
    pid_t child;

    if (!users_can_change(change))
        test_skip("the user cannot be changed here");
    child = fork();
    if (child == 0)
        _exit(child_changes_user(change));
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    if (WIFEXITED(status))
        CHECK_EQ(WEXITSTATUS(status), 0);
}

TEST("--user: set*id() in every thread")
{
    test_change(plain_change);
}

TEST("--user keeping CAP_NET_ADMIN in openvpn's thread")
{
    test_change(change_with_capabilities);
}
