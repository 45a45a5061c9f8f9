/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/port_group.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/ipv6.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "core/wire.h"
#include "linux/plane/kernel_offload.h"
#include "linux/sys/calls.h"
#include "linux/sys/kernel_abi.h"

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

/* Skips options that the socket's family does not have and those that already have the right value:
 * some of them cannot be set without privileges even to the value they have. */
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

static int
steer(int fd, struct sock_filter *code, size_t len)
{
    struct sock_fprog prog = {.len = (unsigned short)len, .filter = code};

    return sys()->setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof(prog)) ? -errno
                                                                                            : 0;
}

/* Steers every datagram to openvpn's own socket. */
static int
steer_all_to_first(int fd)
{
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};

    return steer(fd, code, 1);
}

/* Steers P_DATA_V2 to member 1 + peer-id % n and the rest to member 0. A load beyond the end of a
 * short packet ends the program with 0. */
static int
steer_by_peer(int fd, unsigned n)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 3),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DCO_OPCODE_DATA_V2, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, DCO_PEER_ID_UNDEF),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };

    return steer(fd, code, COUNT(code));
}

static void
members_close(int *members, unsigned n)
{
    while (n-- > 0)
        sys()->close(members[n]);
}

/* True: the socket belongs to the real root of its network. SIOCGSKNS needs CAP_NET_ADMIN over that
 * network. It tells real root from the root of a user namespace without a network of its own, which
 * is an ordinary user there. */
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

/* Makes n members beside fd. 0 or -errno; on error there are none. */
static int
members_make(int fd, int *members, unsigned n)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    unsigned made = 0;
    int err = 0;

    if (!only_root_may_join(fd))
        return -EPERM;
    if (sys()->getsockname(fd, (struct sockaddr *)&ss, &len) < 0 || !reuseport(fd, 1))
        err = -errno;
    while (err == 0 && made < n) {
        members[made] = member_new(fd, (struct sockaddr *)&ss, len);
        if (members[made] < 0) {
            err = -errno;
            break;
        }
        made++;
        if (made == 1)
            err = steer_all_to_first(fd);
    }
    if (err < 0) {
        members_close(members, made);
        (void)reuseport(fd, 0); /* no other process may join */
    }
    return err;
}

int
port_group_make(struct plane_port *port, unsigned n, unsigned senders)
{
    int err = members_make(port->fd[0], &port->fd[1], n + senders);

    if (err == 0) {
        port->n = n;
        port->senders = senders;
    }
    return err;
}

void
port_group_steer(const struct plane_port *port)
{
    if (port->n > 0)
        (void)steer_by_peer(port->fd[0], port->n);
}

/* A single member without UDP_GRO would switch aggregation off for many sources of the others,
 * because the kernel's lookup for this decision ignores the BPF program. */
bool
port_group_gro(const struct plane_port *port)
{
    int on = 1, off = 0;
    unsigned i;

    if (!offload_wanted(OFFLOAD_UDP_GRO))
        return false;
    for (i = 0; i < port_fds(port); i++)
        if (sys()->setsockopt(port->fd[i], SOL_UDP, UDP_GRO, &on, sizeof(on)) < 0)
            break;
    if (i == port_fds(port))
        return true;
    while (i-- > 0)
        (void)sys()->setsockopt(port->fd[i], SOL_UDP, UDP_GRO, &off, sizeof(off));
    return false;
}
