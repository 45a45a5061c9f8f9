/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The copy of the routing table. First with messages made by hand, then against the kernel, in a
 * network namespace of the test's own with a TUN device: ip(8) makes every change, and the peer
 * that the published routes give is compared with the kernel's choice. If this failed, packets for
 * a network behind a client would go to nobody or to the wrong client.
 */
#include "linux/plane/routes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "addresses.h"
#include "bare_dev.h"
#include "core/peers_private.h"
#include "harness.h"
#include "linux/plane/grace.h"
#include "linux/plane/plane.h"
#include "linux/plane/port_private.h"
#include "linux/plane/route_store.h"
#include "linux/sys/clock.h"

/* Messages by hand */

static char message[4096] __attribute__((aligned(8)));

static struct nlmsghdr *
route_begin(uint16_t type, uint16_t flags, uint8_t family, uint8_t len)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);
    struct rtmsg *rtm;

    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = flags;
    rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
    rtm->rtm_family = family;
    rtm->rtm_dst_len = len;
    rtm->rtm_table = RT_TABLE_MAIN;
    rtm->rtm_type = RTN_UNICAST;
    return nlh;
}

static void
put_ip(struct nlmsghdr *nlh, uint16_t type, const char *text)
{
    uint8_t addr[16];
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

    CHECK(inet_pton(family, text, addr) == 1);
    mnl_attr_put(nlh, type, family == AF_INET6 ? 16 : 4, addr);
}

static struct route_msg parsed;

TEST("message: a route with gateway, table and metric")
{
    struct nlmsghdr *nlh = route_begin(RTM_NEWROUTE, NLM_F_REPLACE, AF_INET, 24);

    put_ip(nlh, RTA_DST, "10.1.2.0");
    put_ip(nlh, RTA_GATEWAY, "10.8.0.2");
    mnl_attr_put_u32(nlh, RTA_OIF, 7);
    mnl_attr_put_u32(nlh, RTA_TABLE, 1000);
    mnl_attr_put_u32(nlh, RTA_PRIORITY, 100);
    CHECK(route_msg_parse(nlh, &parsed));
    CHECK(parsed.add && parsed.replace);
    CHECK_EQ(parsed.n, 1);
    CHECK_EQ(parsed.hop[0].ifindex, 7);
    CHECK_EQ(parsed.key.table, 1000);
    CHECK_EQ(parsed.key.metric, 100);
    CHECK_EQ(parsed.key.len, 24);
    CHECK_EQ(parsed.hop[0].gateway.family, 4);
    CHECK_EQ(parsed.hop[0].gateway.addr[3], 2);
}

TEST("message: an IPv4 route by an IPv6 gateway")
{
    struct nlmsghdr *nlh = route_begin(RTM_DELROUTE, 0, AF_INET, 0);
    uint8_t via[18] = {0};
    uint16_t family = AF_INET6;

    memcpy(via, &family, 2);
    via[17] = 9;
    mnl_attr_put(nlh, RTA_VIA, sizeof(via), via);
    mnl_attr_put_u32(nlh, RTA_OIF, 7);
    CHECK(route_msg_parse(nlh, &parsed));
    CHECK(!parsed.add && !parsed.replace);
    CHECK_EQ(parsed.hop[0].gateway.family, 6);
    CHECK_EQ(parsed.hop[0].gateway.addr[15], 9);
}

static void
test_parse_multipath(void)
{
    struct nlmsghdr *nlh = route_begin(RTM_NEWROUTE, 0, AF_INET, 8);
    struct nlattr *nest;

    put_ip(nlh, RTA_DST, "10.0.0.0");
    nest = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
    for (int i = 1; i <= 3; i++) {
        struct rtnexthop *nh = mnl_nlmsg_get_payload_tail(nlh);
        char gateway[32];

        memset(nh, 0, sizeof(*nh));
        nh->rtnh_len = sizeof(*nh) + 8;
        nh->rtnh_ifindex = i;
        nlh->nlmsg_len += sizeof(*nh);
        snprintf(gateway, sizeof(gateway), "10.8.0.%d", i);
        put_ip(nlh, RTA_GATEWAY, gateway);
    }
    mnl_attr_nest_end(nlh, nest);
    CHECK(route_msg_parse(nlh, &parsed));
    CHECK_EQ(parsed.n, 3);
    CHECK_EQ(parsed.hop[2].ifindex, 3);
    CHECK_EQ(parsed.hop[2].gateway.addr[3], 3);
}

TEST("message: local, cached and foreign routes")
{
    struct nlmsghdr *nlh = route_begin(RTM_NEWROUTE, 0, AF_INET, 32);
    struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

    mnl_attr_put_u32(nlh, RTA_OIF, 7);
    put_ip(nlh, RTA_DST, "10.0.0.1");
    rtm->rtm_type = RTN_LOCAL;
    CHECK(route_msg_parse(nlh, &parsed) && parsed.n == 0);
    rtm->rtm_type = RTN_UNICAST;
    rtm->rtm_flags = RTM_F_CLONED;
    CHECK(route_msg_parse(nlh, &parsed) && parsed.n == 0);
    rtm->rtm_flags = 0;
    CHECK(route_msg_parse(nlh, &parsed) && parsed.n == 1);
    rtm->rtm_family = AF_UNIX;
    CHECK(!route_msg_parse(nlh, &parsed));
}

/* Every length that is cut short or too long is refused or harmless. */
TEST("message: malformed in every way")
{
    struct nlmsghdr *nlh = route_begin(RTM_NEWROUTE, 0, AF_INET, 33);
    uint32_t whole;

    put_ip(nlh, RTA_DST, "10.0.0.1");
    CHECK(!route_msg_parse(nlh, &parsed)); /* 33 bits of 32 */
    nlh = route_begin(RTM_NEWROUTE, 0, AF_INET6, 64);
    put_ip(nlh, RTA_DST, "10.0.0.1");
    CHECK(!route_msg_parse(nlh, &parsed)); /* 4 bytes of 16 */
    nlh = route_begin(RTM_NEWROUTE, 0, AF_INET, 8);
    mnl_attr_put_u16(nlh, RTA_OIF, 7);
    CHECK(!route_msg_parse(nlh, &parsed));
    test_parse_multipath();
    nlh = (struct nlmsghdr *)message;
    whole = nlh->nlmsg_len;
    for (nlh->nlmsg_len = NLMSG_HDRLEN; nlh->nlmsg_len <= whole; nlh->nlmsg_len++)
        route_msg_parse(nlh, &parsed);
    nlh->nlmsg_len = whole;
    for (uint32_t i = NLMSG_HDRLEN + sizeof(struct rtmsg); i < whole; i++) {
        for (unsigned v = 0; v < 256; v += 51) {
            char saved = message[i];

            message[i] = (char)v;
            route_msg_parse(nlh, &parsed);
            message[i] = saved;
        }
    }
}

/* The store */

static struct route_msg
make(bool add, uint32_t host, uint32_t metric, uint32_t table, uint32_t gateway, uint32_t ifindex)
{
    struct route_msg msg;

    memset(&msg, 0, sizeof(msg));
    msg.add = add;
    msg.key.prefix = ip4(10, (uint8_t)(host >> 8), (uint8_t)host, 0);
    msg.key.len = 24;
    msg.key.metric = metric;
    msg.key.table = table;
    msg.n = 1;
    msg.hop[0].ifindex = ifindex;
    if (gateway != 0)
        msg.hop[0].gateway = ip4(10, 8, 0, (uint8_t)gateway);
    return msg;
}

static const uint32_t devices[] = {5, 6};

static bool
apply_news(struct route_store *s, struct route_msg msg, enum route_news news, bool changed[2])
{
    bool any[2] = {false, false};

    CHECK_EQ(route_store_apply(s, &msg, news, devices, 2, any), 0);
    if (changed != NULL)
        memcpy(changed, any, sizeof(any));
    return any[0] || any[1];
}

static bool
apply(struct route_store *s, struct route_msg msg, bool changed[2])
{
    return apply_news(s, msg, ROUTE_NEWS_CHANGE, changed);
}

static bool
is_of_main(const struct route_key *key, const struct route_hop *hop)
{
    (void)hop;
    return key->table == RT_TABLE_MAIN;
}

static bool
has_gateway(const struct route_key *key, const struct route_hop *hop)
{
    (void)key;
    return hop->gateway.family != 0;
}

/* The last bytes of the gateways of device 5, best first. */
static const char *
order_of(const struct route_store *s)
{
    static char text[64];
    struct dco_route *list;
    size_t n, len = 0;

    CHECK_EQ(route_store_list(s, 5, has_gateway, &list, &n), 0);
    text[0] = '\0';
    for (size_t i = 0; i < n && len < sizeof(text); i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%u ", list[i].gateway.addr[3]);
    free(list);
    return text;
}

TEST("store: metric and main table decide")
{
    struct dco_siphash_key secret = {{1, 2}};
    struct route_store s;
    struct dco_route *list;
    size_t n;

    route_store_init(&s, &secret);
    CHECK(apply(&s, make(true, 1, 100, 200, 4, 5), NULL));
    CHECK(apply(&s, make(true, 1, 100, RT_TABLE_MAIN, 3, 5), NULL));
    CHECK(apply(&s, make(true, 1, 50, 300, 2, 5), NULL));
    CHECK(!apply(&s, make(true, 1, 50, 300, 2, 5), NULL));          /* again */
    CHECK(!apply(&s, make(true, 1, 50, 300, 2, 99), NULL));         /* another's device */
    CHECK(apply(&s, make(true, 1, 10, RT_TABLE_MAIN, 0, 5), NULL)); /* no gateway */
    CHECK_STR(order_of(&s), "2 3 4 ");
    CHECK_EQ(route_store_list(&s, 5, is_of_main, &list, &n), 0);
    CHECK_EQ(n, 2);
    CHECK_EQ(list[1].gateway.addr[3], 3);
    free(list);
    CHECK_EQ(route_store_list(&s, 6, is_of_main, &list, &n), 0);
    CHECK_EQ(n, 0);
    free(list);
    route_store_fini(&s);
}

TEST("store: of equal routes the newest is the first")
{
    struct dco_siphash_key secret = {{1, 2}};
    struct route_msg appended = make(true, 1, 0, RT_TABLE_MAIN, 4, 5);
    struct route_msg several = make(true, 1, 0, RT_TABLE_MAIN, 6, 5);
    struct route_store s;

    appended.append = true;
    several.n = 2;
    several.hop[1] = several.hop[0];
    several.hop[1].gateway = ip4(10, 8, 0, 7);
    route_store_init(&s, &secret);
    apply(&s, make(true, 1, 0, RT_TABLE_MAIN, 2, 5), NULL);
    apply(&s, make(true, 1, 0, RT_TABLE_MAIN, 3, 5), NULL);
    CHECK_STR(order_of(&s), "3 2 ");
    apply(&s, appended, NULL);
    CHECK_STR(order_of(&s), "3 2 4 ");
    apply(&s, several, NULL);
    CHECK_STR(order_of(&s), "6 7 3 2 4 ");
    apply(&s, make(false, 1, 0, RT_TABLE_MAIN, 3, 5), NULL);
    apply(&s, make(true, 1, 0, RT_TABLE_MAIN, 3, 5), NULL);
    CHECK_STR(order_of(&s), "3 6 7 2 4 ");
    route_store_fini(&s);
}

TEST("store: a dump has the order of the kernel")
{
    struct dco_siphash_key secret = {{1, 2}};
    struct route_store s;
    bool changed[2] = {false, false};

    route_store_init(&s, &secret);
    for (uint32_t gateway = 2; gateway <= 4; gateway++)
        CHECK(apply_news(&s, make(true, 1, 0, RT_TABLE_MAIN, gateway, 5), ROUTE_NEWS_DUMP, NULL));
    CHECK_STR(order_of(&s), "2 3 4 ");
    route_store_mark(&s);
    for (uint32_t gateway = 2; gateway <= 4; gateway++)
        CHECK(!apply_news(&s, make(true, 1, 0, RT_TABLE_MAIN, gateway, 5), ROUTE_NEWS_DUMP, NULL));
    route_store_mark(&s); /* changes were lost meanwhile */
    CHECK(!apply_news(&s, make(true, 1, 0, RT_TABLE_MAIN, 4, 5), ROUTE_NEWS_DUMP, NULL));
    CHECK(apply_news(&s, make(true, 1, 0, RT_TABLE_MAIN, 2, 5), ROUTE_NEWS_DUMP, NULL));
    route_store_sweep(&s, devices, 2, changed);
    CHECK(changed[0] && !changed[1]);
    CHECK_STR(order_of(&s), "4 2 ");
    apply(&s, make(true, 1, 0, RT_TABLE_MAIN, 5, 5), NULL);
    CHECK_STR(order_of(&s), "5 4 2 ");
    route_store_fini(&s);
}

TEST("store: a route that is held several times")
{
    struct dco_siphash_key secret = {{1, 2}};
    struct route_msg a = make(true, 1, 0, 0, 2, 5), b = make(true, 1, 0, 0, 3, 5);
    struct route_store s;

    route_store_init(&s, &secret);
    CHECK(!route_store_release(&s, &a.key, &a.hop[0]));
    CHECK_EQ(route_store_hold(&s, &a.key, &a.hop[0]), 0);
    CHECK_EQ(route_store_hold(&s, &b.key, &b.hop[0]), 0);
    CHECK_STR(order_of(&s), "3 2 ");
    CHECK_EQ(route_store_hold(&s, &a.key, &a.hop[0]), 0);
    CHECK_STR(order_of(&s), "2 3 ");
    CHECK(route_store_release(&s, &a.key, &a.hop[0]));
    CHECK_STR(order_of(&s), "2 3 ");
    CHECK(route_store_has(&s, &a.key, &a.hop[0]));
    CHECK(route_store_release(&s, &a.key, &a.hop[0]));
    CHECK(!route_store_has(&s, &a.key, &a.hop[0]));
    CHECK(!route_store_release(&s, &a.key, &a.hop[0]));
    CHECK_STR(order_of(&s), "3 ");
    route_store_fini(&s);
}

TEST("store: a replaced route goes without a word")
{
    struct dco_siphash_key secret = {{1, 2}};
    struct route_store s;
    struct route_msg msg = make(true, 1, 0, RT_TABLE_MAIN, 7, 6);
    bool changed[2];

    route_store_init(&s, &secret);
    apply(&s, make(true, 1, 0, RT_TABLE_MAIN, 2, 5), NULL);
    apply(&s, make(true, 1, 9, RT_TABLE_MAIN, 2, 5), NULL);
    msg.replace = true; /* the kernel says nothing about the old one */
    CHECK(apply(&s, msg, changed));
    CHECK(changed[0] && changed[1]);
    CHECK_EQ(s.count, 2);
    msg.hop[0].ifindex = 99; /* away to another device */
    CHECK(apply(&s, msg, changed) && changed[1] && !changed[0]);
    CHECK_EQ(s.count, 1);
    route_store_forget(&s, 5);
    CHECK_EQ(s.count, 0);
    route_store_fini(&s);
}

TEST("store: what a dump does not show again goes")
{
    struct dco_siphash_key secret = {{1, 2}};
    struct route_store s;
    bool changed[2] = {false, false};

    route_store_init(&s, &secret);
    for (uint32_t i = 0; i < 3000; i++)
        apply(&s, make(true, i, 0, RT_TABLE_MAIN, 1, 5 + i % 2), NULL);
    CHECK_EQ(s.count, 3000);
    route_store_mark(&s);
    for (uint32_t i = 0; i < 3000; i += 2) /* device 5 only */
        CHECK(!apply(&s, make(true, i, 0, RT_TABLE_MAIN, 1, 5), NULL));
    route_store_sweep(&s, devices, 2, changed);
    CHECK(!changed[0] && changed[1]);
    CHECK_EQ(s.count, 1500);
    CHECK(apply(&s, make(false, 2, 0, RT_TABLE_MAIN, 1, 5), NULL));
    CHECK(!apply(&s, make(false, 2, 0, RT_TABLE_MAIN, 1, 5), NULL));
    CHECK_EQ(s.count, 1499);
    route_store_fini(&s);
}

/* The kernel */

static struct plane_dev *dev;
static int tun = -1;

static bool
run(const char *format, ...)
{
    char command[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(command, sizeof(command), format, ap);
    va_end(ap);
    return system(command) == 0;
}

static int
tun_make(const char *name)
{
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &ifr) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Once: the namespace, the device with its addresses, and routes that are older than the attach. */
static bool
kernel_ready(void)
{
    static int ready = -1;

    if (ready >= 0)
        return ready;
    ready = 0;
    if (unshare(CLONE_NEWNET) < 0 || (tun = tun_make("tun0")) < 0)
        return false;
    if (!run("ip addr add 10.8.0.1/24 dev tun0 && ip -6 addr add fd08::1/64 dev tun0 nodad && "
             "ip link set tun0 up && ip link set lo up && "
             "ip route add 192.168.5.0/24 via 10.8.0.5 dev tun0 metric 100"))
        return false;
    dev = bare_dev_new("tun0", DCO_MODE_MP, if_nametoindex("tun0"));
    if (routes_open() < 0)
        return false;
    routes_attach(dev);
    ready = 1;
    return true;
}

/* What housekeeping does, for a while: until nothing has happened for 60 ms. */
static void
settle(void)
{
    uint64_t end = clock_now_ns() + 60000000000ULL, quiet = clock_now_ns() + 60000000ULL;

    while (clock_now_ns() < end && clock_now_ns() < quiet) {
        uint64_t next = routes_tick(clock_now_ns());
        struct pollfd p = {.fd = routes_fd(), .events = POLLIN};

        if (poll(&p, 1, 5) > 0) {
            routes_ready();
            quiet = clock_now_ns() + 60000000ULL;
        }
        if (next != UINT64_MAX && next < clock_now_ns() + 1000000000ULL)
            quiet = clock_now_ns() + 60000000ULL;
        grace_synchronize();
    }
}

static void *
pick_first(const void *arg, const struct dco_ip *gateway)
{
    static struct dco_ip copy;

    (void)arg;
    copy = *gateway;
    return &copy;
}

/* The gateway of the best route in the set, or dst itself. */
static const char *
hop_in(struct dco_routes *const *set, const char *dst)
{
    static char text[INET6_ADDRSTRLEN];
    struct dco_ip ip;
    const struct dco_ip *hop;
    uint8_t addr[16];

    if (inet_pton(AF_INET, dst, addr) == 1)
        ip = dco_ip4(addr);
    else if (inet_pton(AF_INET6, dst, addr) == 1)
        ip = dco_ip6(addr);
    else
        return "?";
    hop = dco_routes_find(dco_load_acquire(set), &ip, pick_first, NULL);
    if (hop == NULL)
        return dst;
    inet_ntop(hop->family == 4 ? AF_INET : AF_INET6, hop->addr, text, sizeof(text));
    return text;
}

static const char *
hop_of(const char *dst)
{
    return hop_in(&dev->peers->routes, dst);
}

static void
expect_hop(const char *dst, const char *gateway)
{
    const char *hop = hop_of(dst);

    CHECK_THAT(strcmp(hop, gateway) == 0, "%s: %s, expected %s", dst, hop, gateway);
}

#define NEED_KERNEL                                                                                \
    if (!kernel_ready())                                                                           \
        test_skip("no network namespace or no /dev/net/tun");

TEST("kernel: routes older than the device's attach")
{
    NEED_KERNEL
    settle();
    expect_hop("192.168.5.9", "10.8.0.5");
    expect_hop("172.16.0.1", "172.16.0.1");
}

TEST("kernel: routes added, replaced, deleted at run time")
{
    NEED_KERNEL
    CHECK(run("ip route add 192.168.6.0/24 via 10.8.0.6"));
    CHECK(run("ip route add 192.168.6.128/25 via 10.8.0.7"));
    CHECK(run("ip -6 route add 2001:db8:6::/48 via fd08::6 dev tun0"));
    settle();
    expect_hop("192.168.6.1", "10.8.0.6");
    expect_hop("192.168.6.200", "10.8.0.7");
    expect_hop("2001:db8:6::1", "fd08::6");
    CHECK(run("ip route del 192.168.6.128/25"));
    CHECK(run("ip route replace 192.168.6.0/24 via 10.8.0.8"));
    settle();
    expect_hop("192.168.6.200", "10.8.0.8");
    CHECK(run("ip route replace 192.168.6.0/24 dev lo"));
    CHECK(run("ip -6 route del 2001:db8:6::/48"));
    settle();
    expect_hop("192.168.6.200", "192.168.6.200");
    expect_hop("2001:db8:6::1", "2001:db8:6::1");
    CHECK(run("ip route del 192.168.6.0/24"));
}

TEST("kernel: every table, metrics")
{
    NEED_KERNEL
    CHECK(run("ip route add 192.168.7.0/24 via 10.8.0.20 table 77"));
    CHECK(run("ip route add default via 10.8.0.21 table 300"));
    CHECK(run("ip route add 192.168.8.0/24 via 10.8.0.22 metric 200"));
    CHECK(run("ip route add 192.168.8.0/24 via 10.8.0.23 metric 100"));
    settle();
    expect_hop("192.168.7.1", "10.8.0.20");
    expect_hop("8.8.8.8", "10.8.0.21");
    expect_hop("192.168.8.1", "10.8.0.23");
    CHECK(run("ip route del 192.168.8.0/24 metric 100"));
    settle();
    expect_hop("192.168.8.1", "10.8.0.22");
    CHECK(run("ip route flush table 77 && ip route flush table 300"));
    CHECK(run("ip route del 192.168.8.0/24"));
    settle();
    expect_hop("192.168.7.1", "192.168.7.1");
    expect_hop("8.8.8.8", "8.8.8.8");
}

TEST("kernel: equal routes, and routes without a gateway")
{
    NEED_KERNEL
    CHECK(run("ip route add 192.168.21.0/24 via 10.8.0.50"));
    CHECK(run("ip route prepend 192.168.21.0/24 via 10.8.0.51"));
    CHECK(run("ip route append 192.168.21.0/24 via 10.8.0.52"));
    CHECK(run("ip route add 192.168.21.0/25 dev tun0"));
    settle();
    expect_hop("192.168.21.1", "10.8.0.51");
    CHECK(run("ip route del 192.168.21.0/24 via 10.8.0.51"));
    settle();
    expect_hop("192.168.21.1", "10.8.0.50");
    CHECK(run("ip route flush 192.168.21.0/24 && ip route del 192.168.21.0/25"));
    settle();
    expect_hop("192.168.21.1", "192.168.21.1");
}

static struct route_key
key4(uint8_t net, uint32_t metric)
{
    return (struct route_key){
        .prefix = ip4(192, 168, net, 0), .len = 24, .table = RT_TABLE_MAIN, .metric = metric};
}

static struct route_key
key6(const char *net, uint8_t len)
{
    struct route_key key = {.len = len, .table = RT_TABLE_MAIN};
    uint8_t addr[16];

    CHECK(inet_pton(AF_INET6, net, addr) == 1);
    key.prefix = dco_ip6(addr);
    return key;
}

static void
expect_iroute(const char *dst, const char *gateway)
{
    const char *hop = hop_in(&dev->peers->iroutes, dst);

    CHECK_THAT(strcmp(hop, gateway) == 0, "iroute %s: %s, expected %s", dst, hop, gateway);
}

TEST("iroutes: kept, published, in order")
{
    struct dco_ip a = ip4(10, 8, 0, 60), b = ip4(10, 8, 0, 61), six = key6("fd08::60", 128).prefix;
    struct route_key net = key4(22, 100), rest = key4(23, 100), wide = {.len = 0};
    struct route_key net6 = key6("2001:db8:22::7", 48);

    NEED_KERNEL
    rest.prefix.addr[3] = 7;
    wide.prefix.family = 4;
    CHECK_EQ(plane_iroute_add(dev, &rest, &a), -EINVAL);
    CHECK_EQ(plane_iroute_add(dev, &net, &a), 0);
    CHECK_EQ(plane_iroute_add(dev, &net, &b), 0);
    CHECK_EQ(plane_iroute_add(dev, &net6, &six), 0);
    CHECK_EQ(plane_iroute_add(dev, &wide, &a), 0);
    settle();
    expect_iroute("192.168.22.1", "10.8.0.61");
    expect_iroute("2001:db8:22::9", "fd08::60");
    expect_iroute("8.8.8.8", "10.8.0.60");
    expect_iroute("10.8.0.77", "10.8.0.77"); /* of the device's subnet */
    CHECK(plane_iroute_del(dev, &net, &b) && !plane_iroute_del(dev, &net, &b));
    CHECK(plane_iroute_del(dev, &net6, &six) && plane_iroute_del(dev, &wide, &a));
    settle();
    expect_iroute("192.168.22.1", "10.8.0.60");
    expect_iroute("2001:db8:22::9", "2001:db8:22::9");
    CHECK(plane_iroute_del(dev, &net, &a));
    settle();
    expect_iroute("192.168.22.1", "192.168.22.1");
}

/* The gateway of a route that openvpn asked for is no peer, but the same route with another metric
 * is somebody else's, and so is the same one later. */
TEST("iroutes: openvpn's own routes of the host")
{
    struct dco_ip gateway = ip4(10, 8, 0, 2), gateway6 = key6("fd08::2", 128).prefix;
    struct route_key net = key4(24, 0);
    struct route_key net6 = key6("2001:db8:24::7", 48);

    NEED_KERNEL
    plane_route_asked(&net, &gateway);
    plane_route_asked(&net6, &gateway6);
    CHECK(run("ip route add 192.168.24.0/24 via 10.8.0.2"));
    CHECK(run("ip -6 route add 2001:db8:24::/48 via fd08::2 dev tun0"));
    settle();
    expect_hop("192.168.24.1", "192.168.24.1");
    expect_hop("2001:db8:24::9", "2001:db8:24::9");
    CHECK(run("ip route add 192.168.24.0/24 via 10.8.0.2 metric 5"));
    settle();
    expect_hop("192.168.24.1", "10.8.0.2");
    CHECK(run("ip route del 192.168.24.0/24 metric 5 && ip route del 192.168.24.0/24"));
    settle();
    CHECK(run("ip route add 192.168.24.0/24 via 10.8.0.2"));
    settle();
    expect_hop("192.168.24.1", "10.8.0.2");
    plane_route_asked(&net, &gateway); /* openvpn finds it there */
    settle();
    expect_hop("192.168.24.1", "192.168.24.1");
    CHECK(run("ip route del 192.168.24.0/24 && ip -6 route del 2001:db8:24::/48"));
}

TEST("kernel: multipath, RTA_VIA and nexthop objects")
{
    NEED_KERNEL
    CHECK(run("ip route add 192.168.9.0/24 nexthop via 10.8.0.30 dev tun0 nexthop dev lo"));
    CHECK(run("ip route add 192.168.10.0/24 via inet6 fd08::31 dev tun0"));
    CHECK(run("ip -6 route add 2001:db8:9::/48 nexthop via fd08::32 nexthop via fd08::33"));
    CHECK(run("ip nexthop add id 5 via 10.8.0.34 dev tun0"));
    CHECK(run("ip route add 192.168.11.0/24 nhid 5"));
    settle();
    expect_hop("192.168.9.1", "10.8.0.30");
    expect_hop("192.168.10.1", "fd08::31");
    CHECK(strcmp(hop_of("2001:db8:9::1"), "fd08::32") == 0 ||
          strcmp(hop_of("2001:db8:9::1"), "fd08::33") == 0);
    expect_hop("192.168.11.1", "10.8.0.34");
    CHECK(run("ip -6 route del 2001:db8:9::/48 nexthop via fd08::32"));
    CHECK(run("ip nexthop replace id 5 via 10.8.0.35 dev tun0"));
    settle();
    expect_hop("2001:db8:9::1", "fd08::33");
    expect_hop("192.168.11.1", "10.8.0.35");
    CHECK(run("ip nexthop del id 5")); /* the route goes without a message */
    CHECK(run("ip route del 192.168.9.0/24 && ip route del 192.168.10.0/24"));
    settle();
    expect_hop("192.168.11.1", "192.168.11.1");
    expect_hop("192.168.9.1", "192.168.9.1");
}

/* The kernel deletes IPv4 routes of a device that goes down, and of an address that goes, without
 * saying so. */
TEST("kernel: routes that vanish without a message")
{
    NEED_KERNEL
    CHECK(run("ip addr add 10.8.1.1/24 dev tun0"));
    CHECK(run("ip route add 192.168.12.0/24 via 10.8.0.40 src 10.8.1.1"));
    settle();
    expect_hop("192.168.12.1", "10.8.0.40");
    CHECK(run("ip addr del 10.8.1.1/24 dev tun0"));
    settle();
    expect_hop("192.168.12.1", "192.168.12.1");
    expect_hop("192.168.5.9", "10.8.0.5");
    CHECK(run("ip link set tun0 down"));
    settle();
    expect_hop("192.168.5.9", "192.168.5.9");
    CHECK(run("ip link set tun0 up && ip route add 192.168.5.0/24 via 10.8.0.5 metric 100"));
    settle();
    expect_hop("192.168.5.9", "10.8.0.5");
}

/* Faster than they are read: the socket overflows, and a dump repairs. */
TEST("kernel: 10000 routes at once")
{
    int small = 8192;
    FILE *ip;

    NEED_KERNEL
    CHECK(setsockopt(routes_fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0);
    ip = popen("ip -batch -", "w");
    CHECK(ip != NULL);
    for (unsigned i = 0; ip != NULL && i < 10000; i++)
        fprintf(ip, "route add 100.%u.%u.0/24 via 10.8.0.%u\n", 64 + (i >> 8), i & 255,
                2 + i % 250);
    CHECK(ip != NULL && pclose(ip) == 0);
    uint64_t began = clock_now_ns();

    settle();
    CHECK(clock_now_ns() - began < 60000000000ULL); /* it did settle */
    for (unsigned i = 0; i < 10000; i += 37) {
        char dst[32], gateway[32];

        snprintf(dst, sizeof(dst), "100.%u.%u.9", 64 + (i >> 8), i & 255);
        snprintf(gateway, sizeof(gateway), "10.8.0.%u", 2 + i % 250);
        expect_hop(dst, gateway);
    }
    CHECK(run("ip route flush proto boot"));
    CHECK(run("ip route add 192.168.5.0/24 via 10.8.0.5 metric 100"));
    settle();
    expect_hop("100.64.0.9", "100.64.0.9");
    expect_hop("192.168.5.9", "10.8.0.5");
}

TEST("kernel: detach and attach")
{
    NEED_KERNEL
    settle();
    routes_detach(dev);
    CHECK(!dev->routes_attached);
    CHECK(run("ip route add 192.168.20.0/24 via 10.8.0.9"));
    settle();
    expect_hop("192.168.20.1", "192.168.20.1");
    routes_attach(dev);
    settle();
    expect_hop("192.168.20.1", "10.8.0.9");
    routes_detach(dev);
    grace_synchronize();
    bare_dev_free(dev);
    routes_close();
    close(tun);
}

TEST("message: several nexthops")
{
    test_parse_multipath();
}
