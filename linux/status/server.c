/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/status/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "linux/status/report.h"
#include "linux/sys/calls.h"
#include "linux/sys/clock.h"
#include "linux/sys/log.h"
#include "linux/sys/runtime_dir.h"
#include "linux/sys/sandbox.h"
#include "linux/sys/thread.h"

#define ANSWER_MAX  (64U << 20) /* bytes; about 100000 peers */
#define ANSWER_MS   5000        /* for a whole answer */
#define STACK_BYTES (256U << 10)
#define BACKLOG     16

/* The one server of the process. Owner: the caller of the functions in server.h. Constant while the
 * thread runs, which reads owner, listener and stop. */
static struct {
    pid_t pid; /* process that opened the socket; 0: none */
    int listener;
    int folder;
    uid_t owner;
    char name[32]; /* file name of the socket in the folder */

    pthread_t thread;
    bool running; /* the thread is to be joined */
    int stop;     /* eventfd that ends the thread */
} status = {.listener = -1, .folder = -1, .stop = -1};

/* The folder and the socket */

/* Opens the folder if only root and this user can write to it. A descriptor or -errno. */
static int
open_folder(const char *path)
{
    struct stat st;
    int fd;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = sys()->open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || !runtime_dir_is_private(&st)) {
        sys()->close(fd);
        return -EPERM;
    }
    return fd;
}

static int
find_folder(char *path, size_t size)
{
    int err = runtime_dir_path(path, size);

    if (err < 0)
        return err;
    return path[0] == '/' ? open_folder(path) : -ENOENT;
}

/* Binds the socket to the file `name` in the folder and listens. 0 or -errno. */
static int
listen_at(int fd, const char *folder, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, name) >=
        sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    /* bind() gives the file the mode of the descriptor. */
    if (fchmod(fd, 0600) < 0 ||
        sys()->bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return listen(fd, BACKLOG) < 0 ? -errno : 0;
}

/* The file gets its final name, for which the command looks, only after listen(), and each name is
 * used once. So a socket that refuses a connection is dead, and removing it by name removes no
 * other process's socket. */
static int
publish(int fd, const char *folder)
{
    char hidden[sizeof(status.name)];
    uint32_t unique;
    int err;

    if (getrandom(&unique, sizeof(unique), 0) != sizeof(unique))
        return -EIO;
    snprintf(hidden, sizeof(hidden), "%ld-%08x.new", (long)getpid(), unique);
    snprintf(status.name, sizeof(status.name), "%ld-%08x.sock", (long)getpid(), unique);
    err = listen_at(fd, folder, hidden);
    if (err == 0 && renameat(status.folder, hidden, status.folder, status.name) < 0)
        err = -errno;
    if (err < 0)
        unlinkat(status.folder, hidden, 0);
    return err;
}

static int
open_socket(void)
{
    char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

    status.folder = find_folder(folder, sizeof(folder));
    if (status.folder < 0)
        return status.folder;
    status.listener = sys()->socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (status.listener < 0)
        return -errno;
    return publish(status.listener, folder);
}

static void
close_descriptors(void)
{
    int *fds[] = {&status.listener, &status.folder, &status.stop};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (*fds[i] >= 0)
            sys()->close(*fds[i]);
        *fds[i] = -1;
    }
}

int
status_open(void)
{
    int err;

    if (status.pid == getpid())
        return 0;
    close_descriptors();
    status.pid = getpid();
    status.owner = geteuid();
    status.running = false;
    err = open_socket();
    if (err < 0) {
        log_line(
            LOG_LEVEL_INFO,
            "the status socket cannot be made, so opendco status does not show this process: %s",
            strerror(-err));
        close_descriptors();
    }
    return err;
}

void
status_fork_child(void)
{
    close_descriptors();
    status.pid = 0;
    status.running = false;
}

/* Answers */

static bool
may_ask(int client)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return sys()->getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == 0 || peer.uid == status.owner || peer.uid == geteuid());
}

static long
now_ms(void)
{
    return (long)(clock_now_ns() / 1000000);
}

/* The server answers one client at a time, so each answer has a deadline; a slow reader gets only a
 * part. The end of the process does not wait for the client either. */
static void
write_answer(int client, const char *text, size_t len)
{
    struct pollfd fds[2] = {{.fd = status.stop, .events = POLLIN},
                            {.fd = client, .events = POLLOUT}};
    long left, deadline = now_ms() + ANSWER_MS;
    ssize_t done;

    while (len > 0 && (left = deadline - now_ms()) > 0 && poll(fds, 2, (int)left) > 0 &&
           fds[0].revents == 0) {
        done = sys()->send(client, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done < 0 && errno != EAGAIN)
            return;
        text += done < 0 ? 0 : done;
        len -= done < 0 ? 0 : (size_t)done;
    }
}

static void
answer(int client)
{
    struct jsonw j;
    int err;

    jsonw_init(&j, ANSWER_MAX);
    status_report(&j);
    err = jsonw_end(&j);
    if (err == 0) {
        write_answer(client, j.text, j.len);
    } else {
        log_line(LOG_LEVEL_WARN, "a client of the status socket got no answer: %s", strerror(-err));
    }
    jsonw_fini(&j);
}

static void
accept_one(void)
{
    int client = sys()->accept4(status.listener, NULL, NULL, SOCK_CLOEXEC);

    if (client < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            poll(NULL, 0, 100); /* the connection stays pending: do not spin on it */
        }
        return;
    }
    if (may_ask(client))
        answer(client);
    sys()->close(client);
}

static void *
status_main(void *arg)
{
    struct pollfd fds[2] = {
        {.fd = status.stop, .events = POLLIN},
        {.fd = status.listener, .events = POLLIN},
    };

    (void)arg;
    (void)sandbox_enter(THREAD_STATUS); /* without a filter it goes on; a line is in the log */
    while (fds[0].revents == 0) {
        if (poll(fds, 2, -1) > 0 && fds[1].revents != 0)
            accept_one();
    }
    sandbox_leave(THREAD_STATUS);
    return NULL;
}

void
status_start(void)
{
    int err;

    if (status.running || status.listener < 0 || status.pid != getpid())
        return;
    status.stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    err = status.stop < 0
              ? -errno
              : thread_start(&status.thread, THREAD_STATUS, STACK_BYTES, status_main, NULL);
    status.running = err == 0;
    if (status.running)
        return;
    log_line(LOG_LEVEL_WARN,
             "the status thread cannot start, so opendco status does not show this process: %s",
             strerror(-err));
    if (status.stop >= 0)
        sys()->close(status.stop);
    status.stop = -1;
}

void
status_close(void)
{
    if (status.pid != getpid())
        return;
    if (status.running) {
        eventfd_write(status.stop, 1);
        pthread_join(status.thread, NULL);
        status.running = false;
    }
    /* The folder's descriptor still works after chroot(). */
    if (status.listener >= 0 && unlinkat(status.folder, status.name, 0) < 0)
        log_line(LOG_LEVEL_DEBUG,
                 "the status socket %s cannot be removed, opendco status will do that: %s",
                 status.name, strerror(errno));
    close_descriptors();
    status.pid = 0;
}
