/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program other than openvpn that speaks the kernel's ABI: blocking sockets, sequence numbers
 * checked, the group joined. It runs itself again under the library, in a network namespace of its
 * own, and calls nothing but the C library.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define SECONDS 60   /* no answer within them is none */
#define MANY    3000 /* their dump does not fit into the memory of any socket */

enum { NEW_PEER = 1, SET_PEER, DEL_PEER, NEW_KEY, SWAP_KEYS, DEL_KEY, GET_PEER };

static uint8_t message[2048] __attribute__((aligned(8)));
static uint8_t answer[65536] __attribute__((aligned(8)));
static uint32_t sequence = 1000;
static int genl = -1, route = -1;
static uint16_t family;
static uint32_t group, device;
static const char *link_kind = "ovpn-dco";

/* Speaking netlink */

static int
netlink_open(int protocol)
{
    struct timeval tv = {.tv_sec = SECONDS};
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

    CHECK(fd >= 0);
    CHECK_EQ(bind(fd, (struct sockaddr *)&nl, sizeof(nl)), 0);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    return fd;
}

static uint32_t
port_of(int fd)
{
    struct sockaddr_nl nl = {0};
    socklen_t len = sizeof(nl);

    CHECK_EQ(getsockname(fd, (struct sockaddr *)&nl, &len), 0);
    CHECK_EQ(len, sizeof(nl));
    CHECK_EQ(nl.nl_family, AF_NETLINK);
    return nl.nl_pid;
}

static struct nlmsghdr *
start(uint16_t type, uint16_t flags, const void *extra, size_t extra_len)
{
    struct nlmsghdr *nlh;

    memset(message, 0, sizeof(message));
    nlh = mnl_nlmsg_put_header(message);
    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = NLM_F_REQUEST | flags;
    nlh->nlmsg_seq = ++sequence;
    memcpy(mnl_nlmsg_put_extra_header(nlh, extra_len), extra, extra_len);
    return nlh;
}

static struct nlmsghdr *
command(uint8_t cmd, uint16_t flags)
{
    struct genlmsghdr g = {.cmd = cmd};
    struct nlmsghdr *nlh = start(family, NLM_F_ACK | flags, &g, sizeof(g));

    mnl_attr_put_u32(nlh, 1, device);
    return nlh;
}

static void
tell(int fd, const struct nlmsghdr *nlh)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

    CHECK_EQ(sendto(fd, nlh, nlh->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)),
             nlh->nlmsg_len);
}

/* One datagram into answer, from the kernel. */
static ssize_t
hear(int fd)
{
    struct sockaddr_nl from = {0};
    struct iovec iov = {answer, sizeof(answer)};
    struct msghdr msg = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    memset(answer, 0, 64);
    n = recvmsg(fd, &msg, 0);
    if (n >= 0) {
        CHECK_EQ(msg.msg_namelen, sizeof(from));
        CHECK_EQ(from.nl_family, AF_NETLINK);
        CHECK_EQ(from.nl_pid, 0);
        CHECK_EQ(msg.msg_flags, 0);
    }
    return n;
}

static const struct nlmsghdr *const heard = (const void *)answer;

/* The errno of the acknowledgement that comes now. */
static int
acknowledged(int fd)
{
    const struct nlmsgerr *err = mnl_nlmsg_get_payload(heard);

    CHECK(hear(fd) > 0);
    CHECK_EQ(heard->nlmsg_type, NLMSG_ERROR);
    CHECK_EQ(heard->nlmsg_seq, sequence);
    CHECK_EQ(heard->nlmsg_pid, port_of(fd));
    return -err->error;
}

static int
ask(int fd, const struct nlmsghdr *nlh)
{
    tell(fd, nlh);
    return acknowledged(fd);
}

/* The family */

static struct nlmsghdr *
getfamily(const char *name)
{
    struct genlmsghdr g = {.cmd = CTRL_CMD_GETFAMILY};
    struct nlmsghdr *nlh = start(GENL_ID_CTRL, NLM_F_ACK, &g, sizeof(g));

    mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
    return nlh;
}

static void
group_read(const struct nlattr *groups)
{
    const struct nlattr *one, *attr;

    mnl_attr_for_each_nested(one, groups)
        mnl_attr_for_each_nested(attr, one) if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
            group = mnl_attr_get_u32(attr);
}

static void
family_find(const char *name)
{
    const struct nlattr *attr;
    uint32_t port;

    genl = netlink_open(NETLINK_GENERIC);
    port = port_of(genl);
    family = 0;
    group = 0;
    tell(genl, getfamily(name));
    CHECK(hear(genl) > 0);
    CHECK_EQ(heard->nlmsg_seq, sequence);
    CHECK_EQ(heard->nlmsg_type, GENL_ID_CTRL);
    mnl_attr_for_each(attr, heard, GENL_HDRLEN)
    {
        if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
            family = mnl_attr_get_u16(attr);
        if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
            group_read(attr);
    }
    CHECK(family > 0);
    CHECK(group > 0);
    CHECK_EQ(acknowledged(genl), 0);
    CHECK_EQ(port_of(genl), port);
    CHECK_EQ(setsockopt(genl, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)), 0);
}

TEST("the family and its group are found")
{
    family_find("ovpn-dco-v2");
}

/* Whether the datagram that was heard ends a dump; the end may come with the last part. */
static bool
dump_ends(ssize_t n, unsigned *messages)
{
    const struct nlmsghdr *nlh = heard;
    int left = (int)n;

    for (; mnl_nlmsg_ok(nlh, left) && nlh->nlmsg_type != NLMSG_DONE; ++*messages) {
        CHECK_EQ(nlh->nlmsg_seq, sequence);
        nlh = mnl_nlmsg_next(nlh, &left);
    }
    return mnl_nlmsg_ok(nlh, left);
}

/* The socket that speaks to us still reaches the kernel's other families. */
TEST("the socket still reaches other families")
{
    struct genlmsghdr g = {.cmd = CTRL_CMD_GETFAMILY};
    unsigned families = 0;
    bool done = false;
    ssize_t n;

    family_find("ovpn-dco-v2");
    tell(genl, getfamily("nlctrl"));
    CHECK(hear(genl) > 0);
    CHECK_EQ(heard->nlmsg_type, GENL_ID_CTRL);
    CHECK_EQ(acknowledged(genl), 0);
    CHECK_EQ(ask(genl, getfamily("no-such-family")), ENOENT);
    tell(genl, start(GENL_ID_CTRL, NLM_F_DUMP, &g, sizeof(g)));
    while (!done) {
        CHECK((n = hear(genl)) > 0);
        done = dump_ends(n, &families);
    }
    CHECK(families > 0);
}

/* The device */

static struct nlmsghdr *
newlink(const char *name, uint8_t mode)
{
    struct ifinfomsg ifi = {.ifi_family = AF_PACKET};
    struct nlmsghdr *nlh =
        start(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &ifi, sizeof(ifi));
    struct nlattr *info, *data;

    mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
    info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
    mnl_attr_put_strz(nlh, IFLA_INFO_KIND, link_kind);
    data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
    mnl_attr_put_u8(nlh, 1, mode);
    mnl_attr_nest_end(nlh, data);
    mnl_attr_nest_end(nlh, info);
    return nlh;
}

static struct nlmsghdr *
about_link(uint16_t type, uint16_t flags, uint32_t ifindex)
{
    struct ifinfomsg ifi = {.ifi_index = (int)ifindex};

    return start(type, flags, &ifi, sizeof(ifi));
}

static void
kind_query(uint32_t ifindex, char *kind, size_t size)
{
    const struct nlattr *attr, *in;

    kind[0] = '\0';
    tell(route, about_link(RTM_GETLINK, 0, ifindex));
    CHECK(hear(route) > 0);
    mnl_attr_for_each(attr, heard, sizeof(struct ifinfomsg))
    {
        if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
            continue;
        mnl_attr_for_each_nested(in, attr) if (mnl_attr_get_type(in) == IFLA_INFO_KIND)
            snprintf(kind, size, "%s", mnl_attr_get_str(in));
    }
}

/* As openvpn starts: both sockets, the family. */
static void
connect_both(void)
{
    family_find("ovpn-dco-v2");
    route = netlink_open(NETLINK_ROUTE);
}

static void
device_up(void)
{
    struct nlmsghdr *nlh = about_link(RTM_NEWLINK, NLM_F_ACK, device);

    ((struct ifinfomsg *)mnl_nlmsg_get_payload(nlh))->ifi_flags = IFF_UP;
    ((struct ifinfomsg *)mnl_nlmsg_get_payload(nlh))->ifi_change = IFF_UP;
    CHECK_EQ(ask(route, nlh), 0);
}

static void
device_make(void)
{
    CHECK_EQ(ask(route, newlink("abi0", 1)), 0);
    device = if_nametoindex("abi0");
    CHECK(device > 0);
}

static void
connect_with_device(void)
{
    connect_both();
    device_make();
    device_up();
}

TEST("a device is made, and asked for its kind")
{
    char kind[32];

    connect_both();
    device_make();
    CHECK_EQ(ask(route, newlink("abi0", 1)), EEXIST);
    CHECK_EQ(ask(route, newlink("lo", 1)), EEXIST);
    CHECK_EQ(ask(route, newlink("abi1", 7)), ERANGE);
    CHECK_EQ(ask(route, newlink("a/b", 1)), EINVAL);
    kind_query(device, kind, sizeof(kind));
    CHECK_STR(kind, "ovpn-dco");
    /* The same socket goes on as a route socket. */
    kind_query(1, kind, sizeof(kind));
    CHECK_EQ(kind[0], '\0');
    device_up();
    CHECK_EQ(ask(route, about_link(RTM_DELLINK, NLM_F_ACK, 9999)), ENODEV);
}

TEST("a device is made with further attributes")
{
    struct ifreq ifr = {.ifr_name = "abi2"};
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct nlmsghdr *nlh;

    connect_both();
    nlh = newlink("abi2", 0);
    mnl_attr_put_u32(nlh, IFLA_MTU, 1300);
    CHECK_EQ(ask(route, nlh), 0);
    CHECK_EQ(ioctl(s, SIOCGIFMTU, &ifr), 0);
    CHECK_EQ(ifr.ifr_mtu, 1300);
    CHECK_EQ(ask(route, about_link(RTM_DELLINK, NLM_F_ACK, if_nametoindex("abi2"))), 0);
    CHECK_EQ(if_nametoindex("abi2"), 0);
    close(s);
}

/* Peers */

static int
udp_bound(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval tv = {.tv_sec = SECONDS};
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(setsockopt(fd, SOL_IP, IP_PKTINFO, &on, sizeof(on)), 0);
    if (bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0) {
        close(fd);
        return -1;
    }
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    return fd;
}

static int
new_peer(uint32_t id, int fd, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct nlmsghdr *nlh = command(NEW_PEER, 0);
    struct nlattr *nest = mnl_attr_nest_start(nlh, NEW_PEER + 1);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    mnl_attr_put_u32(nlh, 1, id);
    mnl_attr_put_u32(nlh, 3, (uint32_t)fd);
    mnl_attr_put(nlh, 2, sizeof(in), &in);
    mnl_attr_put_u32(nlh, 4, htonl(0x0a080000 + 2 + id));
    mnl_attr_nest_end(nlh, nest);
    return ask(genl, nlh);
}

static struct nlmsghdr *
about_peer(uint8_t cmd, uint16_t id_type, uint32_t id)
{
    struct nlmsghdr *nlh = command(cmd, 0);
    struct nlattr *nest = mnl_attr_nest_start(nlh, (uint16_t)(cmd + 1));

    mnl_attr_put_u32(nlh, id_type, id);
    mnl_attr_nest_end(nlh, nest);
    return nlh;
}

/* The peer id in the notification that comes now. */
static uint32_t
notified(uint8_t reason)
{
    const struct nlattr *nest, *why, *id;

    CHECK(hear(genl) > 0);
    CHECK_EQ(heard->nlmsg_type, family);
    CHECK_EQ(heard->nlmsg_seq, 0);
    nest = mnl_attr_next(mnl_nlmsg_get_payload_offset(heard, GENL_HDRLEN));
    why = mnl_attr_get_payload(nest);
    id = mnl_attr_next(why);
    CHECK_EQ(mnl_attr_get_u8(why), reason);
    return mnl_attr_get_u32(id);
}

TEST("errors come through the socket")
{
    int pipes[2];

    connect_with_device();
    CHECK_EQ(pipe(pipes), 0);
    CHECK_EQ(new_peer(1, pipes[0], 40000), ENOTSOCK);
    CHECK_EQ(new_peer(1, 999, 40000), ENOTSOCK);
    CHECK_EQ(new_peer(1, genl, 40000), ENOTSOCK);
    CHECK_EQ(ask(genl, about_peer(GET_PEER, 1, 1)), ENOENT);
    CHECK_EQ(ask(genl, about_peer(SWAP_KEYS, 1, 1)), ENOENT);
    close(pipes[0]);
    close(pipes[1]);
}

static ssize_t
from_whom(int fd, void *buf, size_t size, struct sockaddr_in *from, struct in_pktinfo *info,
          int flags)
{
    uint8_t control[256];
    struct iovec iov = {buf, size};
    struct msghdr msg = {.msg_name = from,
                         .msg_namelen = sizeof(*from),
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(fd, &msg, flags);

    memset(info, 0, sizeof(*info));
    if (n >= 0 && CMSG_FIRSTHDR(&msg) && CMSG_FIRSTHDR(&msg)->cmsg_type == IP_PKTINFO)
        memcpy(info, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(*info));
    if (n >= 0)
        CHECK_EQ(msg.msg_namelen, sizeof(*from));
    return n;
}

/* Control packets in both directions through the descriptor that the plane reads. */
static void
control_packets(int fd, int other)
{
    static const char packet[] = "\x38 a control packet";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(41194)}, from;
    struct in_pktinfo info;
    char buf[64];

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(sendto(other, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)),
             sizeof(packet));
    CHECK_EQ(from_whom(fd, buf, 4, &from, &info, MSG_PEEK | MSG_TRUNC), sizeof(packet));
    CHECK_EQ(from_whom(fd, buf, sizeof(buf), &from, &info, 0), sizeof(packet));
    CHECK_MEM(buf, packet, sizeof(packet));
    CHECK_EQ(ntohs(from.sin_port), 41195);
    CHECK_EQ(info.ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
    CHECK_EQ(sendto(fd, packet, 10, 0, (struct sockaddr *)&from, sizeof(from)), 10);
    CHECK_EQ(from_whom(other, buf, sizeof(buf), &from, &info, 0), 10);
    CHECK_EQ(ntohs(from.sin_port), 41194);
}

TEST("a UDP socket goes on after the plane took it")
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 17}, got = {0};
    struct sockaddr_in name;
    socklen_t len = sizeof(name);
    int fd, other, ep = epoll_create1(EPOLL_CLOEXEC), flags;
    struct pollfd p = {.events = POLLIN};

    connect_with_device();
    fd = p.fd = udp_bound(41194);
    other = udp_bound(41195);
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event), 0);
    CHECK_EQ(new_peer(1, fd, 41195), 0);
    CHECK_EQ(new_peer(1, fd, 41195), EEXIST);
    CHECK_EQ(new_peer(2, fd, 41196), 0);
    CHECK_EQ(getsockname(fd, (struct sockaddr *)&name, &len), 0);
    CHECK_EQ(ntohs(name.sin_port), 41194);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    control_packets(fd, other);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
    CHECK_EQ(poll(&p, 1, 0), 0);
    len = sizeof(name);
    name.sin_family = AF_INET;
    CHECK_EQ(sendto(other, "\x38", 1, 0, (struct sockaddr *)&name, sizeof(name)), 1);
    CHECK_EQ(epoll_wait(ep, &got, 1, SECONDS * 1000), 1);
    CHECK_EQ(got.data.u32, 17);
    flags = fcntl(fd, F_GETFL);
    CHECK_EQ(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
    CHECK_EQ(recv(fd, answer, sizeof(answer), 0), 1);
    CHECK(recv(fd, answer, sizeof(answer), 0) < 0 && errno == EAGAIN);
    CHECK_EQ(ask(genl, about_peer(DEL_PEER, 2, 1)), 0);
    CHECK_EQ(notified(1), 1);
    CHECK_EQ(ask(genl, about_peer(DEL_PEER, 2, 2)), 0);
    CHECK_EQ(notified(1), 2);
    close(ep);
    close(other);
    CHECK_EQ(close(fd), 0);
    fd = udp_bound(41194); /* the port is free at once */
    CHECK(fd >= 0);
    close(fd);
}

/* Whatever a reader leaves unread comes after the answers of its next request, and none is lost. */
TEST("notifications wait behind answers and none is lost")
{
    unsigned peers = 0;
    bool done = false;
    ssize_t n;
    int fd;

    connect_with_device();
    fd = udp_bound(41194);
    for (uint32_t id = 0; id < MANY; id++)
        CHECK_EQ(new_peer(id, fd, (uint16_t)(42000 + id)), 0);
    tell(genl, command(GET_PEER, NLM_F_DUMP));
    while (!done) {
        CHECK((n = hear(genl)) > 0);
        done = dump_ends(n, &peers);
    }
    CHECK_EQ(peers, MANY);
    for (uint32_t id = 0; id < MANY; id++)
        CHECK_EQ(ask(genl, about_peer(DEL_PEER, 2, id)), 0);
    CHECK_EQ(ask(genl, about_peer(GET_PEER, 1, 5)), ENOENT);
    for (uint32_t id = 0; id < MANY; id++)
        CHECK_EQ(notified(1), id);
    close(fd);
}

/* The family of Linux 6.16 */

enum { OVPN_PEER_NEW = 1, OVPN_PEER_DEL = 4, OVPN_PEER_DEL_NTF };

static struct nlmsghdr *
ovpn_peer(uint8_t cmd, uint32_t id, int fd)
{
    struct nlmsghdr *nlh = command(cmd, 0);
    struct nlattr *nest = mnl_attr_nest_start(nlh, 2);

    mnl_attr_put_u32(nlh, 1, id);
    if (cmd == OVPN_PEER_NEW) {
        mnl_attr_put_u32(nlh, 6, (uint32_t)fd);
        mnl_attr_put_u32(nlh, 2, htonl(INADDR_LOOPBACK));
        mnl_attr_put_u16(nlh, 5, htons(41195));
    }
    mnl_attr_nest_end(nlh, nest);
    return nlh;
}

/* The notification that a peer was removed comes now. */
static void
ovpn_removed(uint32_t reason, uint32_t id)
{
    const struct genlmsghdr *g = mnl_nlmsg_get_payload(heard);
    const struct nlattr *nest, *why;

    CHECK(hear(genl) > 0);
    CHECK_EQ(heard->nlmsg_type, family);
    CHECK_EQ(heard->nlmsg_seq, 0);
    CHECK_EQ(g->cmd, OVPN_PEER_DEL_NTF);
    nest = mnl_attr_next(mnl_nlmsg_get_payload_offset(heard, GENL_HDRLEN));
    why = mnl_attr_get_payload(nest);
    CHECK_EQ(mnl_attr_get_u32(why), reason);
    CHECK_EQ(mnl_attr_get_u32(mnl_attr_next(why)), id);
}

/* What a request causes is told before its acknowledgement: OpenVPN 2.7 would take the removal of
 * the peer that was replaced for that of the new one. A device belongs to one family. */
TEST("the other family, and the order of its notifications")
{
    int before, fd;
    uint32_t device_before;
    uint16_t family_before;
    char kind[32];

    connect_with_device();
    before = genl;
    fd = udp_bound(41194);
    device_before = device;
    family_before = family;
    link_kind = "ovpn";
    family_find("ovpn");
    CHECK(family != family_before);
    CHECK_EQ(ask(route, newlink("abi3", 0)), 0);
    device = if_nametoindex("abi3");
    kind_query(device, kind, sizeof(kind));
    CHECK_STR(kind, "ovpn");
    CHECK_EQ(ask(genl, ovpn_peer(OVPN_PEER_NEW, 7, fd)), 0);
    tell(genl, ovpn_peer(OVPN_PEER_NEW, 7, fd));
    ovpn_removed(0, 7);
    CHECK_EQ(acknowledged(genl), 0);
    tell(genl, ovpn_peer(OVPN_PEER_DEL, 7, fd));
    ovpn_removed(1, 7);
    CHECK_EQ(acknowledged(genl), 0);
    family = family_before;
    CHECK_EQ(ask(before, about_peer(GET_PEER, 1, 1)), EINVAL);
    CHECK_EQ(ask(route, about_link(RTM_DELLINK, NLM_F_ACK, device)), 0);
    link_kind = "ovpn-dco";
    device = device_before;
    close(genl);
    genl = before;
    close(fd);
}

/* Status */

#define QUESTIONS 400

/* The file of this process's status socket; false when it has none. */
static bool
status_path(char *path, size_t size)
{
    char pattern[128];
    glob_t found;
    bool one;

    snprintf(pattern, sizeof(pattern), "%.64s/%ld-*.sock", getenv("OPENDCO_RUNTIME_DIR"),
             (long)getpid());
    if (glob(pattern, 0, NULL, &found) != 0)
        return false;
    one = found.gl_pathc == 1;
    snprintf(path, size, "%s", found.gl_pathv[0]);
    globfree(&found);
    return one;
}

/* One answer, whole. */
static bool
status_answer(const struct sockaddr_un *address)
{
    char text[4096];
    ssize_t n, all = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
        while ((n = read(fd, text, sizeof(text))) > 0)
            all += n;
    close(fd);
    return all > 0;
}

static int
status_questions(const struct sockaddr_un *address)
{
    for (int i = 0; i < QUESTIONS; i++)
        if (!status_answer(address))
            return 1;
    return 0;
}

static void
peer_comes_and_goes(int fd)
{
    CHECK_EQ(new_peer(3, fd, 43000), 0);
    CHECK_EQ(ask(genl, about_peer(DEL_PEER, 2, 3)), 0);
    CHECK_EQ(notified(1), 3);
}

/* The thread that answers looks at what this one changes; each may have to wait for the other, but
 * not both. */
TEST("status is answered while peers come and go")
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, status = -1;
    pid_t pid;

    connect_with_device();
    fd = udp_bound(41194);
    peer_comes_and_goes(fd); /* the process answers from its first peer on */
    CHECK(status_path(address.sun_path, sizeof(address.sun_path)));
    alarm(500); /* a deadlock */
    pid = fork();
    if (pid == 0)
        _exit(status_questions(&address));
    while (waitpid(pid, &status, WNOHANG) == 0)
        peer_comes_and_goes(fd);
    alarm(0);
    CHECK_EQ(status, 0);
    close(fd);
}

/* Children */

static unsigned
entries(const char *path)
{
    DIR *dir = opendir(path);
    unsigned n = 0;

    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

/* A child that lives on keeps neither the port nor the device. */
TEST("a child holds neither port nor device")
{
    int fd, hold[2], here[2], status;
    char c;
    pid_t pid;

    connect_with_device();
    fd = udp_bound(41194);
    CHECK_EQ(new_peer(1, fd, 41195), 0);
    CHECK_EQ(pipe2(hold, O_CLOEXEC), 0);
    CHECK_EQ(pipe2(here, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        close(hold[1]);
        if (write(here[1], "", 1) != 1)
            _exit(2);
        _exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
    }
    close(hold[0]);
    CHECK_EQ(read(here[0], &c, 1), 1);
    close(fd);
    fd = udp_bound(41194);
    CHECK(fd >= 0);
    CHECK_EQ(ask(route, about_link(RTM_DELLINK, NLM_F_ACK, device)), 0);
    CHECK_EQ(if_nametoindex("abi0"), 0);
    close(fd);
    close(hold[1]);
    close(here[0]);
    close(here[1]);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
}

/* Threads of the plane: workers "opendco/N" and housekeeping, not the one that answers status. */
static unsigned
plane_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    char path[300], name[32];
    struct dirent *d;
    unsigned n = 0;
    FILE *f;

    while (dir && (d = readdir(dir))) {
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", d->d_name);
        f = d->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (f && fgets(name, sizeof(name), f))
            n +=
                strncmp(name, "opendco/", 8) == 0 || strncmp(name, "opendco-housekeeping", 13) == 0;
        if (f)
            fclose(f);
    }
    if (dir)
        closedir(dir);
    return n;
}

/* The kernel forgets a thread a moment after it was joined. */
static bool
alone(void)
{
    for (int i = 0; i < 100 && plane_threads() > 0; i++)
        usleep(10000);
    return plane_threads() == 0;
}

/* With the last device all threads end. */
TEST("threads end with the last device")
{
    connect_both();
    CHECK(alone());
    CHECK_EQ(ask(route, newlink("abi0", 0)), 0);
    CHECK(plane_threads() > 1);
    device = if_nametoindex("abi0");
    CHECK_EQ(ask(route, about_link(RTM_DELLINK, NLM_F_ACK, device)), 0);
    CHECK(alone());
    close(genl);
    close(route);
}

/* Before anything was asked: this process is like any other */

TEST("nothing is touched before the family is asked for")
{
    unsigned before = entries("/proc/self/fd");
    int pairs[2];
    char c = 0;

    CHECK_EQ(entries("/proc/self/task"), 3);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs), 0);
    CHECK_EQ(send(pairs[0], "x", 1, 0), 1);
    CHECK_EQ(read(pairs[1], &c, 1), 1);
    CHECK_EQ(c, 'x');
    close(pairs[0]);
    close(pairs[1]);
    route = netlink_open(NETLINK_ROUTE);
    tell(route, about_link(RTM_GETLINK, 0, 1));
    CHECK(hear(route) > 0);
    CHECK_EQ(heard->nlmsg_type, RTM_NEWLINK);
    close(route);
    CHECK_EQ(entries("/proc/self/fd"), before);
    CHECK_EQ(entries("/proc/self/task"), 3);
}

static bool
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return done;
}

static bool
namespace_enter(void)
{
    char map[64];
    uid_t uid = getuid();

    if (unshare(CLONE_NEWNET) == 0)
        return true;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return false;
    snprintf(map, sizeof(map), "0 %u 1", uid);
    return write_file("/proc/self/uid_map", map);
}

static void
loopback_up(void)
{
    struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int s = socket(AF_INET, SOCK_DGRAM, 0);

    CHECK_EQ(ioctl(s, SIOCSIFFLAGS, &ifr), 0);
    close(s);
}

/* Why the library cannot be preloaded into a test in a network of its own, or NULL. */
static const char *
preload(void)
{
    char folder[] = "/tmp/opendco-abi-XXXXXX";
    char library[4200], self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    int tun;

#ifdef __SANITIZE_ADDRESS__
    return "the library cannot be preloaded before AddressSanitizer";
#endif
    if (n < 0)
        return "there is no /proc";
    self[n] = '\0';
    snprintf(library, sizeof(library), "%s", self);
    for (int up = 0; up < 4; up++) /* build/test/plain/linux/this */
        *strrchr(library, '/') = '\0';
    strcat(library, "/libopendco.so");
    if (access(library, R_OK) < 0)
        return "libopendco.so is not built";
    if (!namespace_enter())
        return "no network namespace can be made here";
    tun = open("/dev/net/tun", O_RDWR);
    if (tun < 0)
        return "/dev/net/tun cannot be opened";
    close(tun);
    if (!mkdtemp(folder))
        return "there is no room in /tmp";
    setenv("OPENDCO_RUNTIME_DIR", folder, 1);
    setenv("LD_PRELOAD", library, 1);
    execl(self, self, "--here", test_name(), (char *)NULL);
    return "the program cannot run itself";
}

static void
before(void)
{
    if (getenv("LD_PRELOAD") == NULL)
        test_skip(preload());
    loopback_up();
}

static void
after(void)
{
    char path[128];

    if (status_path(path, sizeof(path)))
        unlink(path);
    rmdir(getenv("OPENDCO_RUNTIME_DIR"));
}

__attribute__((constructor)) static void
surround(void)
{
    test_around(before, after);
}
