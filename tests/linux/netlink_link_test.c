/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtnetlink messages about links of our kind: as OpenVPN 2.6.14 sends them, and through a real
 * NETLINK_ROUTE socket, which must carry the answers.
 */
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness.h"
#include "linux/netlink/link.h"

static uint8_t buf[16384] __attribute__((aligned(8)));

static size_t
bytes(const char *hex, uint8_t *to)
{
    size_t n = 0;

    for (; *hex; hex++) {
        unsigned digit = *hex >= 'a' ? (unsigned)(*hex - 'a') + 10 : (unsigned)(*hex - '0');

        if (*hex == ' ')
            continue;
        to[n / 2] = (uint8_t)(n % 2 ? to[n / 2] | digit : digit << 4);
        n++;
    }
    return n / 2;
}

static struct nlmsghdr *
from_hex(const char *hex)
{
    size_t len;

    memset(buf, 0, sizeof(buf));
    len = bytes(hex, buf);
    CHECK_EQ(((struct nlmsghdr *)(void *)buf)->nlmsg_len, len);
    return (void *)buf;
}

static struct nlmsghdr *
start(uint16_t type, uint16_t flags, int ifindex)
{
    struct nlmsghdr *nlh;
    struct ifinfomsg *ifi;

    memset(buf, 0, sizeof(buf));
    nlh = mnl_nlmsg_put_header(buf);
    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = NLM_F_REQUEST | flags;
    nlh->nlmsg_seq = 42;
    ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
    ifi->ifi_index = ifindex;
    return nlh;
}

/* kind NULL: none; mode_len 0: no data. */
static struct nlmsghdr *
create(const char *name, const char *kind, const void *mode, size_t mode_len)
{
    struct nlmsghdr *nlh = start(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, 0);
    struct nlattr *info, *data;

    mnl_attr_put_u32(nlh, IFLA_MTU, 1400);
    if (name)
        mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
    info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
    if (kind)
        mnl_attr_put_strz(nlh, IFLA_INFO_KIND, kind);
    data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
    if (mode_len)
        mnl_attr_put(nlh, 1, mode_len, mode);
    mnl_attr_nest_end(nlh, data);
    mnl_attr_nest_end(nlh, info);
    mnl_attr_put_u32(nlh, IFLA_TXQLEN, 77);
    return nlh;
}

TEST("messages as openvpn sends them")
{
    struct link_request link;

    link_parse(from_hex("4c000000 10000506 facb026b 00000000 11000000 00000000 00000000 00000000 "
                        "09000300 74756e30 00000000 20001200 0d000100 6f76706e 2d64636f 00000000 "
                        "0c000200 05000100 01000000"),
               &link);
    CHECK_EQ(link.what, LINK_NEW);
    CHECK_EQ(link.error, 0);
    CHECK_EQ(link.mode, DCO_MODE_MP);
    CHECK(link.family == &nl_dco_v2);
    CHECK_STR(link.name, "tun0");
    link_parse(from_hex("48000000 10000506 facb026b 00000000 11000000 00000000 00000000 00000000 "
                        "09000300 74756e30 00000000 1c001200 09000100 6f76706e 00000000 "
                        "0c000200 05000100 01000000"),
               &link);
    CHECK_EQ(link.what, LINK_NEW);
    CHECK(link.family == &nl_ovpn); /* OpenVPN 2.7 */
    link_parse(from_hex("20000000 11000500 05cc026b 00000000 11000000 1d000000 00000000 00000000"),
               &link);
    CHECK_EQ(link.what, LINK_DELETE);
    CHECK_EQ(link.ifindex, 29);
    /* MTU, and up: not ours to touch */
    link_parse(from_hex("28000000 10000500 facb026b 00000000 11000000 1d000000 00000000 00000000 "
                        "08000400 dc050000"),
               &link);
    CHECK_EQ(link.what, LINK_OTHER);
    link_parse(from_hex("20000000 12000100 05cc026b 00000000 11000000 1d000000 00000000 00000000"),
               &link);
    CHECK_EQ(link.what, LINK_GET);
}

TEST("creation of a link of our kind")
{
    struct link_request link;
    uint8_t mode = 1, bad = 2;

    link_parse(create("a", "ovpn-dco", NULL, 0), &link);
    CHECK_EQ(link.what, LINK_NEW);
    CHECK_EQ(link.mode, DCO_MODE_P2P);
    link_parse(create(NULL, "ovpn-dco", &mode, 1), &link);
    CHECK_EQ(link.what, LINK_NEW);
    CHECK_EQ(link.name[0], 0);
    CHECK_EQ(link.mode, DCO_MODE_MP);
    link_parse(create("a", "ovpn-dco", &bad, 1), &link);
    CHECK_EQ(link.error, -ERANGE);
    link_parse(create("sixteen-letters-", "ovpn-dco", NULL, 0), &link);
    CHECK_EQ(link.error, -ERANGE);
    link_parse(create("a", "ovpn-dc", NULL, 0), &link);
    CHECK_EQ(link.what, LINK_OTHER);
    link_parse(create("a", "ovpn-dco2", NULL, 0), &link);
    CHECK_EQ(link.what, LINK_OTHER);
    link_parse(create("a", "tun", NULL, 0), &link);
    CHECK_EQ(link.what, LINK_OTHER);
    link_parse(create("a", NULL, NULL, 0), &link);
    CHECK_EQ(link.what, LINK_OTHER);
}

TEST("names of interfaces")
{
    static const char *const good[] = {"tun0", "a", "fifteen-letters", "tun.5"};
    static const char *const bad[] = {"", ".", "..", "a/b", "a b", "a:1", "a\n"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(link_name_ok(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!link_name_ok(bad[i]));
}

/* The rest of a creation goes to the kernel as a change. */
TEST("a creation becomes a change of the new device")
{
    struct nlmsghdr *nlh = create("a", "ovpn-dco", NULL, 0);
    const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
    const struct nlattr *attr;
    unsigned n = 0;

    link_becomes_change(nlh, 99);
    CHECK_EQ(ifi->ifi_index, 99);
    CHECK_EQ(nlh->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
    mnl_attr_for_each(attr, nlh, sizeof(*ifi))
    {
        CHECK_EQ(mnl_attr_get_type(attr), n == 0 ? IFLA_MTU : IFLA_TXQLEN);
        n++;
    }
    CHECK_EQ(n, 2);
    CHECK_EQ(nlh->nlmsg_len, NLMSG_HDRLEN + sizeof(*ifi) + 16);
}

/* With the kernel */

static uint32_t tun_index;

static const char *tun_kind = "ovpn-dco";

static const char *
ours(uint32_t ifindex)
{
    return ifindex == tun_index ? tun_kind : NULL;
}

/* Sends the message, reads one datagram and rewrites it. The length, 0: nothing came. */
static size_t
ask(struct mnl_socket *nl, const struct nlmsghdr *nlh, uint8_t *answer, size_t size)
{
    ssize_t n;

    if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
        return 0;
    n = recv(mnl_socket_get_fd(nl), answer, size, MSG_DONTWAIT);
    return n > 0 ? link_answer(answer, (size_t)n, ours) : 0;
}

static struct mnl_socket *
route_socket(void)
{
    struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);

    if (nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0)
        return nl;
    test_skip("no netlink socket");
    return NULL;
}

/* Any result comes back from the kernel as the answer to the original request. */
TEST("the kernel carries any result")
{
    static const int errors[] = {0, EPERM, EEXIST, EBUSY, ENODEV, 4095};
    uint8_t answer[4096] __attribute__((aligned(8))) = {0};
    struct mnl_socket *nl = route_socket();

    for (size_t i = 0; nl && i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct nlmsghdr *nlh = create("a", "ovpn-dco", NULL, 0), was = *nlh;
        const struct nlmsghdr *ack = (void *)answer;
        const struct nlmsgerr *err = mnl_nlmsg_get_payload(ack);

        link_becomes_result(nlh, -errors[i]);
        CHECK_EQ(ask(nl, nlh, answer, sizeof(answer)), 36);
        CHECK_EQ(ack->nlmsg_type, NLMSG_ERROR);
        CHECK_EQ(ack->nlmsg_seq, 42);
        CHECK_EQ(err->error, -errors[i]);
        CHECK_EQ(err->msg.nlmsg_type, RTM_NEWLINK);
        CHECK_EQ(err->msg.nlmsg_flags, was.nlmsg_flags);
        CHECK_EQ(err->msg.nlmsg_len, was.nlmsg_len);
    }
    if (nl)
        mnl_socket_close(nl);
}

TEST("the kernel carries results about routes")
{
    static const uint16_t types[] = {RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWLINK, RTM_DELLINK};
    uint8_t answer[4096] __attribute__((aligned(8))) = {0};
    const struct nlmsgerr *err = mnl_nlmsg_get_payload((struct nlmsghdr *)(void *)answer);
    struct mnl_socket *nl = route_socket();

    for (size_t i = 0; nl && i < sizeof(types) / sizeof(types[0]); i++) {
        struct nlmsghdr *nlh = start(types[i], NLM_F_ACK, 5);

        link_becomes_result(nlh, -EINVAL);
        CHECK_EQ(ask(nl, nlh, answer, sizeof(answer)), 36);
        CHECK_EQ(err->error, -EINVAL);
        CHECK_EQ(err->msg.nlmsg_type, types[i]);
    }
    if (nl)
        mnl_socket_close(nl);
}

/* Who wants no ACK hears of errors only. */
TEST("the kernel carries errors to who wants no ACK")
{
    uint8_t answer[4096] __attribute__((aligned(8))) = {0};
    const struct nlmsgerr *err = mnl_nlmsg_get_payload((struct nlmsghdr *)(void *)answer);
    struct mnl_socket *nl = route_socket();
    struct nlmsghdr *nlh = start(RTM_DELLINK, 0, 5);

    if (!nl)
        return;
    link_becomes_result(nlh, 0);
    CHECK_EQ(ask(nl, nlh, answer, sizeof(answer)), 0);
    nlh = start(RTM_DELLINK, 0, 5);
    link_becomes_result(nlh, -EBUSY);
    CHECK_EQ(ask(nl, nlh, answer, sizeof(answer)), 36);
    CHECK_EQ(err->error, -EBUSY);
    CHECK_EQ(err->msg.nlmsg_type, RTM_DELLINK);
    CHECK_EQ(err->msg.nlmsg_flags, NLM_F_REQUEST);
    mnl_socket_close(nl);
}

/* A TUN in a namespace of its own. */
static int
tun_make(void)
{
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd;

    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return -1;
    fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    strcpy(ifr.ifr_name, "abitest0");
    if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
        return -1;
    tun_index = if_nametoindex("abitest0");
    return fd;
}

/* The kind that openvpn would read, and how many attributes LINKINFO has beside it. */
static unsigned
kind_of(const struct nlmsghdr *nlh, char *kind, size_t size)
{
    const struct nlattr *attr, *in;
    unsigned others = 0;

    kind[0] = '\0';
    mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
    {
        if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
            continue;
        mnl_attr_for_each_nested(in, attr)
        {
            if (mnl_attr_get_type(in) == IFLA_INFO_KIND)
                snprintf(kind, size, "%s", mnl_attr_get_str(in));
            else
                others++;
        }
    }
    return others;
}

static unsigned
attributes(const struct nlmsghdr *nlh)
{
    const struct nlattr *attr;
    unsigned n = 0;

    mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg)) n++;
    return n;
}

static const char *
nobody(uint32_t ifindex)
{
    (void)ifindex;
    return NULL;
}

TEST("the kind of a real TUN is rewritten")
{
    uint8_t answer[16384] __attribute__((aligned(8))) = {0};
    uint8_t plain[16384] __attribute__((aligned(8))) = {0};
    struct nlmsghdr *nlh = (void *)answer, *before = (void *)plain;
    int tun = tun_make();
    struct mnl_socket *nl = tun < 0 ? NULL : route_socket();
    char kind[32];
    size_t len;

    if (tun < 0)
        test_skip("no TUN device can be made here");
    if (nl) {
        len = ask(nl, start(RTM_GETLINK, 0, (int)tun_index), answer, sizeof(answer));
        CHECK(len > 0 && len == nlh->nlmsg_len);
        CHECK_EQ(kind_of(nlh, kind, sizeof(kind)), 0);
        CHECK_STR(kind, "ovpn-dco");
        tun_kind = "ovpn";
        len = ask(nl, start(RTM_GETLINK, 0, (int)tun_index), answer, sizeof(answer));
        CHECK_EQ(kind_of(nlh, kind, sizeof(kind)), 0);
        CHECK_STR(kind, "ovpn");
        tun_kind = "ovpn-dco";
        /* Nothing else is lost, and other links are left alone. */
        tun_index = 0;
        len = ask(nl, start(RTM_GETLINK, 0, (int)if_nametoindex("abitest0")), plain, sizeof(plain));
        CHECK_EQ(attributes(nlh), attributes(before));
        CHECK(kind_of(before, kind, sizeof(kind)) > 0);
        CHECK_STR(kind, "tun");
        CHECK_EQ(link_answer(plain, len, nobody), len);
        mnl_socket_close(nl);
    }
    if (tun >= 0)
        close(tun);
}

/* Several messages in one datagram keep their order and content. */
TEST("several messages in one datagram")
{
    static uint8_t all[8192] __attribute__((aligned(8)));
    struct nlmsghdr *nlh;
    size_t len = 0;
    unsigned n = 0;
    int left;

    for (uint32_t i = 1; i <= 8; i++) {
        nlh = create("link", i % 2 ? "tun" : "veth", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        ((struct ifinfomsg *)mnl_nlmsg_get_payload(nlh))->ifi_index = (int)i;
        memcpy(all + len, nlh, nlh->nlmsg_len);
        len += nlh->nlmsg_len;
    }
    tun_index = 3;
    len = link_answer(all, len, ours);
    left = (int)len;
    for (nlh = (void *)all; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
        char kind[32];

        n++;
        kind_of(nlh, kind, sizeof(kind));
        CHECK_EQ(((struct ifinfomsg *)mnl_nlmsg_get_payload(nlh))->ifi_index, n);
        CHECK_STR(kind, n == 3 ? "ovpn-dco" : n % 2 ? "tun" : "veth");
        CHECK_EQ(attributes(nlh), 4);
    }
    CHECK_EQ(n, 8);
    CHECK_EQ(left, 0);
}
