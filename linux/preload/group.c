/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/group.h"

#include <errno.h>
#include <linux/ipv6.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "linux/sys/calls.h"
#include "linux/preload/steer.h"
#include "linux/sys/log.h"

#define SNDBUF_WANTED (4 << 20)

struct option {
    int level, name;
};

static const struct option before_bind[] = {
    {SOL_SOCKET, SO_REUSEADDR},   {IPPROTO_IPV6, IPV6_V6ONLY},   {IPPROTO_IP, IP_FREEBIND},
    {IPPROTO_IP, IP_TRANSPARENT}, {IPPROTO_IPV6, IPV6_FREEBIND}, {IPPROTO_IPV6, IPV6_TRANSPARENT},
};

static const struct option after_bind[] = {
    {SOL_SOCKET, SO_MARK},
    {SOL_SOCKET, SO_PRIORITY},
    {IPPROTO_IP, IP_TOS},
    {IPPROTO_IP, IP_PKTINFO},
    {IPPROTO_IP, IP_MTU_DISCOVER},
    {IPPROTO_IPV6, IPV6_TCLASS},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Options that a socket of this family does not have, or that are as they would be anyway, are
 * left alone: setting some of them needs privileges even for the value they have. */
static bool
options_copy(int from, int to, const struct option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct option *o = &options[i];
        int value = 0, present = 0;
        socklen_t len = sizeof(value), present_len = sizeof(present);

        if (sys()->getsockopt(from, o->level, o->name, &value, &len) < 0 ||
            sys()->getsockopt(to, o->level, o->name, &present, &present_len) < 0 ||
            value == present)
            continue;
        if (sys()->setsockopt(to, o->level, o->name, &value, len) < 0)
            return false;
    }
    return true;
}

static bool
device_copy(int from, int to)
{
    char name[16] = "";
    socklen_t len = sizeof(name);

    if (sys()->getsockopt(from, SOL_SOCKET, SO_BINDTODEVICE, name, &len) < 0 || len == 0 ||
        name[0] == '\0')
        return true;
    return sys()->setsockopt(to, SOL_SOCKET, SO_BINDTODEVICE, name, len) == 0;
}

static bool
reuseport(int fd, int on)
{
    return sys()->setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0;
}

/* A bound member, or -1 with errno. */
static int
member_new(int fd, const struct sockaddr *sa, socklen_t len)
{
    int s = sys()->socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int saved;

    if (s < 0)
        return -1;
    if (reuseport(s, 1) && options_copy(fd, s, before_bind, COUNT(before_bind)) &&
        device_copy(fd, s) && sys()->bind(s, sa, len) == 0 &&
        options_copy(fd, s, after_bind, COUNT(after_bind)))
        return s;
    saved = errno;
    sys()->close(s);
    errno = saved;
    return -1;
}

static void
members_close(int *members, unsigned n)
{
    while (n-- > 0)
        sys()->close(members[n]);
}

/* SIOCGSKNS asks for CAP_NET_ADMIN over the network of the socket: root of a user namespace without
 * a network of its own has somebody's uid there. */
static bool
only_root_may_join(int fd)
{
    struct stat st;
    int net;

    if (fstat(fd, &st) < 0 || st.st_uid != 0)
        return false;
    net = ioctl(fd, SIOCGSKNS);
    if (net < 0)
        return false;
    sys()->close(net);
    return true;
}

int
group_make(int fd, int *members, unsigned n)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    unsigned made = 0;
    int error = 0;

    if (!only_root_may_join(fd))
        return -EPERM;
    if (sys()->getsockname(fd, (struct sockaddr *)&ss, &len) < 0 || !reuseport(fd, 1))
        error = errno;
    while (!error && made < n) {
        members[made] = member_new(fd, (struct sockaddr *)&ss, len);
        if (members[made] < 0) {
            error = errno;
            break;
        }
        made++;
        if (made == 1)
            error = -steer_all_to_first(fd);
    }
    if (error) {
        members_close(members, made);
        (void)reuseport(fd, 0); /* nobody else may join */
    }
    return -error;
}

static int
buffer_get(int fd, int name)
{
    int now = 0;
    socklen_t len = sizeof(now);

    return sys()->getsockopt(fd, SOL_SOCKET, name, &now, &len) == 0 ? now : 0;
}

/* The kernel doubles what it is given. False: it is less than wanted. */
static bool
buffer_set(int fd, int force, int plain, int wanted)
{
    int half = wanted / 2;

    if (sys()->setsockopt(fd, SOL_SOCKET, force, &half, sizeof(half)) < 0)
        (void)sys()->setsockopt(fd, SOL_SOCKET, plain, &half, sizeof(half));
    return buffer_get(fd, plain) >= wanted / 2 * 2;
}

static bool
sndbuf_raise(int fd)
{
    return buffer_get(fd, SO_SNDBUF) >= SNDBUF_WANTED ||
           buffer_set(fd, SO_SNDBUFFORCE, SO_SNDBUF, 2 * SNDBUF_WANTED);
}

/* What openvpn was told to have (rcvbuf) and is more stays. */
static bool
rcvbuf_own(int fd, struct group_buffers *b)
{
    int now = buffer_get(fd, SO_RCVBUF);
    bool enough = true;

    if (now < (int)b->share.own || now == b->set) {
        enough = buffer_set(fd, SO_RCVBUFFORCE, SO_RCVBUF, (int)b->share.own);
        b->set = buffer_get(fd, SO_RCVBUF);
    }
    return enough;
}

void
group_buffers(int fd, const int *members, unsigned n, unsigned senders, struct group_buffers *b)
{
    static bool said;
    bool enough = rcvbuf_own(fd, b) && sndbuf_raise(fd);

    for (unsigned i = 0; i < n + senders; i++) {
        int size = i < n ? (int)b->share.member : 0; /* senders get nothing */

        enough = buffer_set(members[i], SO_RCVBUFFORCE, SO_RCVBUF, size) && enough;
        enough = sndbuf_raise(members[i]) && enough;
    }
    if (enough || said)
        return;
    said = true;
    log_line(
        LOG_LEVEL_WARN,
        "socket buffers are smaller than wanted, which costs speed: raise net.core.rmem_max and "
        "net.core.wmem_max to 4 MB, or grant CAP_NET_ADMIN");
}
