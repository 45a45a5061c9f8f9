/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* unshare() */
#include "interop_host.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    pid_t pid;
    FILE *to, *from;
} peer;

const char *
host_missing(void)
{
    int status;
    pid_t pid;

    if (access("/dev/net/tun", R_OK | W_OK) != 0)
        return "/dev/net/tun cannot be opened";
    pid = fork();
    if (pid == 0)
        _exit(unshare(CLONE_NEWNET) != 0);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return "no network namespace (needs root)";
    return NULL;
}

bool
host_namespace(void)
{
    static const char setting[] = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
    int fd;

    if (unshare(CLONE_NEWNET) != 0 || system("ip link set lo up") != 0)
        return false;
    /* The kernel must not say anything that nobody asked. Without IPv6 there is no such file. */
    fd = open(setting, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    (void)!write(fd, "1", 1);
    close(fd);
    return true;
}

static struct sockaddr_in
loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int
host_socket(uint16_t port)
{
    struct sockaddr_in sin = loopback(port);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool
host_send(int fd, uint16_t port, const void *data, int len)
{
    struct sockaddr_in sin = loopback(port);

    return sendto(fd, data, (size_t)len, 0, (struct sockaddr *)&sin, sizeof(sin)) == len;
}

int
host_receive(int fd, uint16_t *port, void *data, int max, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct sockaddr_in sin = {0};
    socklen_t len = sizeof(sin);
    ssize_t n = -1;

    if (poll(&p, 1, wait_ms) == 1)
        n = recvfrom(fd, data, (size_t)max, MSG_DONTWAIT, (struct sockaddr *)&sin, &len);
    *port = ntohs(sin.sin_port);
    return (int)n;
}

static _Noreturn void
become_peer(int fd, const char *device, const char *address, uint16_t port, uint16_t remote_port)
{
    char self[PATH_MAX] = "", program[PATH_MAX + 32], ports[2][8];

    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 || dup2(fd, STDIN_FILENO) < 0 ||
        dup2(fd, STDOUT_FILENO) < 0)
        _exit(127);
    snprintf(program, sizeof(program), "%s/../interop_linux", dirname(self));
    snprintf(ports[0], sizeof(ports[0]), "%u", port);
    snprintf(ports[1], sizeof(ports[1]), "%u", remote_port);
    execl(program, program, device, address, ports[0], ports[1], NULL);
    perror(program);
    _exit(127);
}

/* "ok NUMBER" */
static int
read_answer(void)
{
    char line[200] = "nothing\n";
    int number;

    if (fgets(line, sizeof(line), peer.from) != NULL && sscanf(line, "ok %d", &number) == 1)
        return number;
    fprintf(stderr, "the Linux end says: %s", line);
    return -1;
}

bool
host_peer_start(const char *device, const char *address, uint16_t port, uint16_t remote_port)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    peer.pid = fork();
    if (peer.pid == 0)
        become_peer(pair[1], device, address, port, remote_port);
    close(pair[1]);
    peer.to = fdopen(pair[0], "w");
    peer.from = fdopen(dup(pair[0]), "r");
    return peer.pid > 0 && peer.to != NULL && peer.from != NULL && read_answer() == 0;
}

int
host_peer(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(peer.to, format, args);
    va_end(args);
    fputc('\n', peer.to);
    fflush(peer.to);
    return read_answer();
}

bool
host_peer_stop(void)
{
    int status;

    shutdown(fileno(peer.to), SHUT_WR);
    fclose(peer.to);
    fclose(peer.from);
    return waitpid(peer.pid, &status, 0) == peer.pid && status == 0;
}
