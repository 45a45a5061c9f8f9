/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The JSON writer against an independent parser, and the status socket of a real plane with a
 * device, a port and peers. If this failed, an administrator would not learn why offload is off, or
 * anybody on the machine could read who is connected.
 */
#include "cli/status.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addresses.h"
#include "harness.h"
#include "linux/crypto/aead.h"
#include "linux/openvpn/offload_state.h"
#include "linux/plane/dev_private.h"
#include "linux/plane/plane.h"
#include "linux/plane/port_private.h"
#include "linux/status/report.h"
#include "linux/status/server.h"
#include "linux/sys/clock.h"

/* The preload layer is in no test program; what it would say is set by the tests. */
static bool offload;

bool
offload_state(char *reason, size_t size, const char **abi)
{
    snprintf(reason, size, "%s", offload ? "" : "the \"proto\" is tcp");
    *abi = offload ? "ovpn-dco-v2" : NULL;
    return offload;
}

/* The writer */

static json_t *
parse(struct jsonw *j)
{
    json_error_t error;
    json_t *root = json_loadb(j->text, j->len, JSON_REJECT_DUPLICATES, &error);

    CHECK_THAT(root != NULL, "%s: %.*s", root ? "" : error.text, (int)j->len, j->text);
    return root;
}

TEST("json: values and nesting")
{
    struct jsonw j;
    json_t *root, *list;

    jsonw_init(&j, 4096);
    jsonw_object_begin(&j, NULL);
    jsonw_string(&j, "text", "a\"b\\c\nd\x01\x7f\xc3\xa4");
    jsonw_uint(&j, "large", INT64_MAX);
    jsonw_int(&j, "negative", -1);
    jsonw_bool(&j, "yes", true);
    jsonw_array_begin(&j, "list");
    jsonw_uint(&j, NULL, 1);
    jsonw_bool(&j, NULL, false);
    jsonw_object_begin(&j, NULL);
    jsonw_object_end(&j);
    jsonw_array_end(&j);
    jsonw_object_begin(&j, "empty");
    jsonw_object_end(&j);
    jsonw_object_end(&j);
    CHECK_EQ(jsonw_end(&j), 0);
    root = parse(&j);
    CHECK_STR(json_string_value(json_object_get(root, "text")), "a\"b\\c\nd\x01\x7f\xc3\xa4");
    CHECK(json_integer_value(json_object_get(root, "large")) == INT64_MAX);
    CHECK(json_integer_value(json_object_get(root, "negative")) == -1);
    CHECK(json_is_true(json_object_get(root, "yes")));
    list = json_object_get(root, "list");
    CHECK_EQ((long long)json_array_size(list), 3);
    CHECK_EQ((long long)json_object_size(json_object_get(root, "empty")), 0);
    json_decref(root);
    jsonw_fini(&j);
}

/* Whatever bytes a name has: the text parses, and valid parts arrive. */
TEST("json: any bytes")
{
    static const char *const bad[] = {
        "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82",    "\xf0\x80\x80\x80",
        "\x80", "a\xc3",    "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98"};
    struct rng rng = test_rng();
    struct jsonw j;
    json_t *root;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]) + test_rounds(2000); i++) {
        char text[33] = "";

        if (i < sizeof(bad) / sizeof(bad[0]))
            snprintf(text, sizeof(text), "%s", bad[i]);
        else
            rng_bytes(&rng, text, 32);
        jsonw_init(&j, 4096);
        jsonw_object_begin(&j, NULL);
        jsonw_string(&j, text, text);
        jsonw_object_end(&j);
        CHECK_EQ(jsonw_end(&j), 0);
        root = parse(&j);
        json_decref(root);
        jsonw_fini(&j);
    }
}

TEST("json: bounds and misuse")
{
    struct jsonw j;

    jsonw_init(&j, 100);
    jsonw_array_begin(&j, NULL);
    for (int i = 0; i < 1000; i++)
        jsonw_uint(&j, NULL, 12345);
    jsonw_array_end(&j);
    CHECK_EQ(jsonw_end(&j), -EFBIG);
    CHECK(j.len <= 100);
    jsonw_fini(&j);

    jsonw_init(&j, 4096);
    for (unsigned i = 0; i <= JSON_DEPTH_MAX; i++)
        jsonw_array_begin(&j, NULL);
    CHECK_EQ(jsonw_end(&j), -EINVAL);
    jsonw_fini(&j);

    jsonw_init(&j, 4096);
    jsonw_array_begin(&j, NULL);
    CHECK_EQ(jsonw_end(&j), -EINVAL);
    jsonw_fini(&j);

    jsonw_init(&j, 4096);
    jsonw_array_end(&j);
    CHECK_EQ(jsonw_end(&j), -EINVAL);
    jsonw_fini(&j);
}

/* The socket */

static char folder[64], path[100];

/* Sets path to the one socket of this process; false when there is none or more than one. */
static bool
find_socket(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    unsigned found = 0;
    char *end;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);

        if (strtol(entry->d_name, &end, 10) != getpid() || len < 5 ||
            strcmp(entry->d_name + len - 5, ".sock") != 0)
            continue;
        CHECK(snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < (int)sizeof(path));
        found++;
    }
    if (dir != NULL)
        closedir(dir);
    return found == 1;
}

/* What else happens in the middle of the next call of listen() or unlink(), which both the library
 * and the command make through here. */
static void (*before_listen)(void), (*before_unlink)(void);

static void
meanwhile(void (**hook)(void))
{
    void (*call)(void) = *hook;

    *hook = NULL;
    if (call != NULL)
        call();
}

int
listen(int fd, int backlog)
{
    meanwhile(&before_listen);
    return (int)syscall(SYS_listen, fd, backlog);
}

int
unlink(const char *name)
{
    meanwhile(&before_unlink);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, name, 0);
}

int
unlinkat(int at, const char *name, int flags)
{
    meanwhile(&before_unlink);
    return (int)syscall(SYS_unlinkat, at, name, flags);
}

/* The command itself; its output is not looked at. It leaves the working directory as it was, so
 * that a test may go on. */
static int
run_command(void)
{
    char name[] = "status", *argv[] = {name, NULL};
    int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), status;

    fflush(stdout);
    dup2(null, STDOUT_FILENO);
    status = cli_status(1, argv);
    dup2(out, STDOUT_FILENO);
    CHECK(fchdir(cwd) == 0);
    close(out);
    close(null);
    close(cwd);
    return status;
}

/* A socket that nobody listens on any more. */
static void
leave_stale(const char *name)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(un.sun_path, sizeof(un.sun_path), "%s/%s", folder, name);
    CHECK(bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0);
    close(fd);
}

static int
dial(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(un.sun_path, path, sizeof(path));
    if (connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* All bytes until the other side closes; -1 after a minute without any. */
static ssize_t
read_all(int fd, char *buf, size_t size)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t len = 0;
    ssize_t got;

    while (len < size) {
        if (poll(&p, 1, 60000) <= 0)
            return -1;
        got = read(fd, buf + len, size - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

static json_t *
ask(void)
{
    size_t size = 32U << 20;
    char *buf = malloc(size);
    struct jsonw j = {.text = buf};
    json_t *root = NULL;
    int fd = dial();

    CHECK(fd >= 0);
    if (fd >= 0) {
        ssize_t len = read_all(fd, buf, size);

        CHECK(len > 0);
        j.len = len > 0 ? (size_t)len : 0;
        root = parse(&j);
        close(fd);
    }
    free(buf);
    return root;
}

static const char *
text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "(none)";
}

static long long
number_of(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    CHECK(json_is_integer(value));
    return json_integer_value(value);
}

static void
folder_make(void)
{
    snprintf(folder, sizeof(folder), "/tmp/opendco-status.XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    setenv("OPENDCO_RUNTIME_DIR", folder, 1);
}

/* Each test leaves it empty. */
static void
folder_remove(void)
{
    CHECK(rmdir(folder) == 0);
}

__attribute__((constructor)) static void
in_a_folder(void)
{
    test_around(folder_make, folder_remove);
}

TEST("socket: offload is not active")
{
    struct stat st;
    json_t *root;

    CHECK_EQ(status_open(), 0);
    CHECK_EQ(status_open(), 0);
    CHECK(find_socket());
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    status_start();
    status_start();
    root = ask();
    CHECK_EQ(number_of(root, "pid"), getpid());
    CHECK(json_is_false(json_object_get(root, "active")));
    CHECK_STR(text_of(root, "reason"), "the \"proto\" is tcp");
    CHECK_STR(text_of(root, "version"), OPENDCO_VERSION);
    CHECK_EQ((long long)json_array_size(json_object_get(root, "devices")), 0);
    CHECK_EQ((long long)json_object_size(json_object_get(root, "drops")), DCO_DROP_COUNT);
    json_decref(root);
    status_close();
    CHECK(stat(path, &st) < 0 && errno == ENOENT);
    status_close();
}

/* A folder that others may write to is not trusted, and a path that is too long is refused. */
TEST("socket: folders that are not ours")
{
    char longest[200];

    CHECK(chmod(folder, 0777) == 0);
    CHECK_EQ(status_open(), -EPERM);
    status_close();
    CHECK(chmod(folder, 0700) == 0);
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "/tmp/", 5);
    longest[sizeof(longest) - 1] = '\0';
    setenv("OPENDCO_RUNTIME_DIR", longest, 1);
    CHECK(status_open() < 0);
    status_close();
    setenv("OPENDCO_RUNTIME_DIR", "/proc/nothing/here", 1);
    CHECK(status_open() < 0);
    status_start(); /* without a socket: nothing */
    status_close();
    setenv("OPENDCO_RUNTIME_DIR", folder, 1);
}

static int
child_daemon(void)
{
    struct stat st;

    status_fork_child();
    if (stat(path, &st) != 0 || status_open() != 0 || !find_socket())
        return 1;
    status_start();
    int fd = dial();
    char buf[65536];

    if (fd < 0 || read_all(fd, buf, sizeof(buf)) <= 0)
        return 2;
    status_close();
    return find_socket();
}

TEST("socket: a process that became a daemon")
{
    int status = -1;
    struct stat st;
    pid_t child;

    CHECK_EQ(status_open(), 0);
    CHECK(find_socket());
    child = fork();
    if (child == 0)
        _exit(child_daemon());
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
    CHECK(stat(path, &st) == 0); /* the parent's is still there */
    status_close();
}

static unsigned
descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    while (dir != NULL && readdir(dir) != NULL)
        n++;
    if (dir != NULL)
        closedir(dir);
    return n;
}

static int
child_without_threads(void)
{
    const struct rlimit none = {0};
    unsigned before;

    if (status_open() != 0)
        return 1;
    if (setrlimit(RLIMIT_NPROC, &none) != 0 || (getuid() == 0 && setuid(65534) != 0))
        return 77;
    before = descriptors();
    for (int i = 0; i < 3; i++)
        status_start();
    return descriptors() == before ? 0 : 2;
}

/* openvpn makes a socket at every restart, and each time the thread is tried again. */
TEST("socket: no room for a thread")
{
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        _exit(child_without_threads());
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_EQ(run_command(), STATUS_NONE); /* removes the socket that it left */
    if (WEXITSTATUS(status) == 77)
        test_skip("there is one user only");
    CHECK_EQ(WEXITSTATUS(status), 0);
}

/* Even where the file could be reached, another user is not answered. */
static int
child_stranger(void)
{
    char buf[16];
    int fd;

    if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
        return 1;
    fd = dial();
    if (fd < 0)
        return 2;
    return read_all(fd, buf, sizeof(buf)) == 0 ? 0 : 3;
}

TEST("socket: another user")
{
    int status = -1;
    pid_t child;

    if (getuid() != 0)
        test_skip("not root");
    CHECK_EQ(status_open(), 0);
    CHECK(find_socket());
    status_start();
    CHECK(chmod(folder, 0755) == 0 && chmod(path, 0666) == 0);
    child = fork();
    if (child == 0)
        _exit(child_stranger());
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    if (WEXITSTATUS(status) == 1)
        test_skip("the user cannot be changed here");
    else
        CHECK_EQ(WEXITSTATUS(status), 0);
    CHECK(chmod(folder, 0700) == 0);
    status_close();
}

static void
look_around(void)
{
    CHECK_EQ(run_command(), STATUS_NONE);
}

/* Somebody asks while a process is about to listen: it can still be asked afterwards. */
TEST("socket: somebody asks before the process listens")
{
    before_listen = look_around;
    CHECK_EQ(status_open(), 0);
    CHECK(before_listen == NULL);
    status_start();
    CHECK(find_socket());
    json_decref(ask());
    status_close();
    CHECK(!find_socket());
}

static void
come_up(void)
{
    CHECK_EQ(status_open(), 0);
    status_start();
}

/* A process with the id of one that died comes up while the dead one's socket is being removed. */
TEST("socket: the process id of one that died")
{
    char name[32], stale[100];
    struct stat st;

    snprintf(name, sizeof(name), "%ld.sock", (long)getpid());
    snprintf(stale, sizeof(stale), "%s/%s", folder, name);
    leave_stale(name);
    before_unlink = come_up;
    CHECK_EQ(run_command(), STATUS_NONE);
    CHECK(before_unlink == NULL);
    CHECK(find_socket());
    json_decref(ask());
    CHECK_EQ(run_command(), STATUS_INACTIVE);
    status_close();
    CHECK(!find_socket());

    /* Nor does a socket of that name hinder the new process. */
    leave_stale(name);
    come_up();
    CHECK_EQ(run_command(), STATUS_INACTIVE);
    CHECK(find_socket() && strcmp(path, stale) != 0);
    CHECK(stat(stale, &st) < 0 && errno == ENOENT);
    status_close();
}

/* Where others could exchange what the command has looked at, it removes nothing. */
TEST("socket: a folder that others may change")
{
    char stale[100], link[100], mine[sizeof(folder)];

    snprintf(stale, sizeof(stale), "%s/1.sock", folder);
    leave_stale("1.sock");
    CHECK(chmod(folder, 01777) == 0);
    CHECK_EQ(run_command(), STATUS_NONE);
    CHECK(access(stale, F_OK) == 0);
    CHECK(chmod(folder, 0700) == 0);

    memcpy(mine, folder, sizeof(mine));
    snprintf(link, sizeof(link), "%s/link", folder);
    CHECK(symlink(mine, link) == 0);
    setenv("OPENDCO_RUNTIME_DIR", link, 1);
    CHECK_EQ(run_command(), STATUS_ERROR);
    CHECK(access(stale, F_OK) == 0);
    setenv("OPENDCO_RUNTIME_DIR", folder, 1);
    CHECK(unlink(link) == 0);
    CHECK_EQ(run_command(), STATUS_NONE);
    CHECK(access(stale, F_OK) < 0 && errno == ENOENT);
}

/* A real plane */

static struct plane_dev *dev;
static struct plane_port *sock;

static bool
plane_ready(void)
{
    struct settings settings = {.workers = 2};
    struct sockaddr_in in = {.sin_family = AF_INET};
    int pair[2], fd;

    if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
        return false;
    CHECK(system("ip link set lo up") == 0);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    plane_configure(&settings);
    CHECK(plane_prepare() == 0);
    CHECK(plane_dev_new("st0", DCO_MODE_MP, &dev) == 0);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK(plane_port_new(fd, false, &sock) == 0);
    CHECK(plane_port_open(sock, pair[0]) == 0);
    CHECK(plane_port_bind_dev(sock, dev) == 0);
    return true;
}

static void
peer_add(uint32_t id, bool v6)
{
    struct dco_peer_new req = {.id = id, .tx_id = id, .transport = plane_port_get(sock)};

    req.vpn4 = ip4(10, 9, (uint8_t)(id >> 8), (uint8_t)id);
    if (v6) {
        req.vpn6 = ip6(id);
        req.path.remote.ip = ip6(1000 + id);
    } else {
        req.path.remote.ip = ip4(127, 1, (uint8_t)(id >> 8), (uint8_t)id);
    }
    req.path.remote.port = htons(1194);
    CHECK_EQ(dco_control_peer_new(dev->peers, &req, clock_now_ns()), 0);
}

static void
key_add(uint32_t id, enum dco_cipher cipher, uint16_t len)
{
    uint8_t key[32] = {(uint8_t)id, (uint8_t)(id >> 8), 1}, tail[8] = {0};
    struct dco_key_new req = {.peer_id = id, .key_id = 3, .cipher = cipher, .key_len = len};

    req.tx_key = key;
    req.tx_tail = req.rx_tail = tail;
    req.crypto = aead_new(cipher, key, key, len, tail, tail, plane_key_threads());
    CHECK_EQ(dco_control_key_new(dev->peers, &req, clock_now_ns()), 0);
}

/* A plane with two peers, of which one has a key. */
static void
plane_up(void)
{
    CHECK_EQ(status_open(), 0);
    status_start();
    CHECK(find_socket());
    if (!plane_ready()) {
        status_close();
        test_skip("no network namespace or no /dev/net/tun");
    }
    offload = true;
    peer_add(1, false);
    peer_add(2, true);
    key_add(1, DCO_CIPHER_AES_GCM, 16);
    CHECK_EQ(dco_control_peer_set(dev->peers, 1, 100, 600, clock_now_ns()), 0);
}

static void
plane_down(void)
{
    plane_shutdown();
    plane_port_close(sock);
    plane_port_put(sock);
    status_close();
}

TEST("plane: devices, peers and keys")
{
    json_t *root, *device, *peers, *p;

    plane_up();
    root = ask(); /* housekeeping started the thread */
    CHECK(json_is_true(json_object_get(root, "active")));
    CHECK_STR(text_of(root, "reason"), "");
    CHECK_STR(text_of(root, "abi"), "ovpn-dco-v2");
    CHECK_EQ(number_of(root, "workers"), 2);
    device = json_array_get(json_object_get(root, "devices"), 0);
    CHECK_STR(text_of(device, "name"), "st0");
    CHECK_STR(text_of(device, "mode"), "mp");
    CHECK_EQ(number_of(device, "mtu"), 1428);
    CHECK_EQ((long long)json_object_size(json_object_get(device, "offloads")), 6);
    CHECK_EQ((long long)json_object_size(json_object_get(device, "drops")), DCO_DROP_COUNT);
    peers = json_object_get(device, "peers");
    CHECK_EQ((long long)json_array_size(peers), 2);
    p = json_array_get(peers, 0);
    CHECK_EQ(number_of(p, "id"), 1);
    CHECK_STR(text_of(p, "transport"), "udp");
    CHECK_STR(text_of(p, "remote"), "127.1.0.1:1194");
    CHECK_STR(text_of(p, "vpn_ipv4"), "10.9.0.1");
    CHECK_STR(text_of(p, "vpn_ipv6"), "");
    CHECK_STR(text_of(p, "cipher"), "AES-128-GCM");
    CHECK_EQ(number_of(p, "key_id"), 3);
    CHECK_EQ(number_of(p, "key_age_s"), 0);
    CHECK_EQ(number_of(p, "keepalive_interval_s"), 100);
    CHECK_EQ(number_of(p, "keepalive_timeout_s"), 600);
    p = json_array_get(peers, 1);
    CHECK_STR(text_of(p, "remote"), "[2001:db8::3ea]:1194");
    CHECK_STR(text_of(p, "vpn_ipv6"), "2001:db8::2");
    CHECK_STR(text_of(p, "cipher"), "");
    CHECK_EQ(number_of(p, "key_age_s"), -1);
    json_decref(root);
    plane_down();
}

TEST("plane: a device that was given another name")
{
    json_t *root, *device;

    plane_up();
    CHECK(system("ip link set st0 name st9") == 0);
    root = ask();
    device = json_array_get(json_object_get(root, "devices"), 0);
    CHECK_STR(text_of(device, "name"), "st9");
    CHECK_EQ(number_of(device, "mtu"), 1428);
    json_decref(root);
    plane_down();
}

/* A client that does not read costs the others a few seconds of waiting, and the plane nothing. */
TEST("plane: 5000 peers and a client that does not read")
{
    uint64_t began;
    json_t *root;
    int slow;

    plane_up();
    for (uint32_t id = 10; id < 5010; id++)
        peer_add(id, false);
    root = ask();
    CHECK_EQ((long long)json_array_size(
                 json_object_get(json_array_get(json_object_get(root, "devices"), 0), "peers")),
             5002);
    json_decref(root);

    slow = dial();
    CHECK(slow >= 0);
    usleep(100000);
    began = clock_now_ns();
    plane_devs_lock(); /* nobody holds up the plane meanwhile */
    plane_devs_unlock();
    CHECK(clock_now_ns() - began < 3000000000ULL); /* the answer would hold it for five */
    root = ask();
    json_decref(root);
    close(slow);
    plane_down();
}

TEST("plane: shutdown leaves nothing behind")
{
    struct stat st;
    uint64_t began;
    int slow;

    plane_up();
    slow = dial(); /* and does not read */
    usleep(100000);
    began = clock_now_ns();
    status_close();
    CHECK(clock_now_ns() - began < 4000000000ULL); /* without the five seconds of that answer */
    close(slow);
    plane_down();
    CHECK(stat(path, &st) < 0);
}
