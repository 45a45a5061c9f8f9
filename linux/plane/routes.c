/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/routes.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "linux/plane/fib.h"
#include "linux/plane/iroutes.h"
#include "linux/plane/platform.h"
#include "linux/plane/route_store.h"
#include "linux/sys/calls.h"
#include "linux/sys/clock.h"
#include "linux/sys/log.h"

#define DEVS_MAX    64U
#define READ_SIZE   (64U << 10) /* the kernel fills at most 32 KiB per datagram of a dump */
#define READS_MAX   64U         /* datagrams per turn */
#define RCVBUF      (4 << 20)   /* about 10000 notifications */
#define MS          1000000ULL
#define SETTLE_NS   (20 * MS) /* between a change that may remove routes silently and the dump */
#define RETRY_NS    (200 * MS)
#define DUMP_MAX_NS (10000 * MS) /* a dump that lasts longer lost its end and is repeated */
#define NEVER       UINT64_MAX

/* How long an answer of fib.h stays valid at most: while routes change all the time, and in any
 * case. Afterwards the kernel is asked again for each source in use. */
#define ANSWERS_NS     (100 * MS)
#define ANSWERS_MAX_NS (10000 * MS)

struct dev_routes {
    struct plane_dev *dev;
    bool complete;       /* a dump that began after the attach has ended */
    uint64_t not_before; /* of the next publication: building a large set costs */
};

static struct {
    pthread_mutex_t lock; /* guards all below but fd and self */
    int fd;               /* -1: not open */
    uint32_t self;        /* const once open: netlink port */

    struct route_store store;
    unsigned n;
    struct dev_routes dev[DEVS_MAX];
    uint32_t ifindex[DEVS_MAX];
    bool dirty[DEVS_MAX]; /* changed since the last publication */

    uint8_t dumping;    /* family, 0: none */
    uint32_t seq;       /* of the running dump */
    unsigned dump_devs; /* devices attached when it began: the first ones in dev[] */
    uint64_t dump_began;
    uint64_t dump_cost; /* of the last one */
    uint64_t dump_at;   /* when the next one begins */
    bool unclean;       /* notifications or errors came during the dump */
    bool overfull;      /* logged once */

    bool moved;         /* something changed since the cached answers last became outdated */
    uint64_t raised_ns; /* when that was */
} routes = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1, .dump_at = NEVER};

/* The socket */

static int
join_groups(int fd)
{
    static const int groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_LINK,
                                 RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};
    static const int optional[] = {RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP};

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (sys()->setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(int)) < 0)
            return -errno;
    }
    /* Some kernels have no rules or no nexthop objects. */
    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
        (void)sys()->setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &optional[i], sizeof(int));
    return 0;
}

static void
tune(int fd)
{
    int size = RCVBUF, on = 1;

    if (sys()->setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
        (void)sys()->setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    /* Lets the kernel select by device in a dump; kernels without it send all routes. */
    (void)sys()->setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
}

static int
bind_socket(int fd)
{
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
    socklen_t len = sizeof(nl);
    int err;

    if (sys()->bind(fd, (struct sockaddr *)&nl, sizeof(nl)) < 0 ||
        sys()->getsockname(fd, (struct sockaddr *)&nl, &len) < 0) {
        return -errno;
    }
    routes.self = nl.nl_pid;
    tune(fd);
    err = join_groups(fd);
    return err;
}

int
routes_open(void)
{
    struct dco_siphash_key secret;
    int fd, err;

    if (routes.fd >= 0)
        return 0;
    if (getrandom(&secret, sizeof(secret), 0) != sizeof(secret))
        return -EIO;
    fd = sys()->socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0)
        return -errno;
    err = bind_socket(fd);
    if (err < 0) {
        sys()->close(fd);
        return err;
    }
    route_store_init(&routes.store, &secret);
    routes.fd = fd;
    return 0;
}

int
routes_fd(void)
{
    return routes.fd;
}

void
routes_close(void)
{
    if (routes.fd < 0)
        return;
    sys()->close(routes.fd);
    routes.fd = -1;
    pthread_mutex_lock(&routes.lock);
    route_store_fini(&routes.store);
    routes.dumping = 0;
    routes.dump_at = NEVER;
    pthread_mutex_unlock(&routes.lock);
}

void
routes_fork_child(void)
{
    if (routes.fd >= 0) {
        sys()->close(routes.fd);
        routes.fd = -1;
    }
}

/* Devices */

static void
want_dump(uint64_t at)
{
    routes.dump_at = at < routes.dump_at ? at : routes.dump_at;
}

void
routes_attach(struct plane_dev *dev)
{
    pthread_mutex_lock(&routes.lock);
    if (routes.n < DEVS_MAX) {
        routes.dev[routes.n] = (struct dev_routes){.dev = dev};
        routes.ifindex[routes.n] = dev->ifindex;
        routes.dirty[routes.n] = true;
        routes.n++;
        want_dump(clock_now_ns());
        dev->routes_attached = true;
    }
    pthread_mutex_unlock(&routes.lock);
}

void
routes_detach(struct plane_dev *dev)
{
    unsigned i = 0;

    pthread_mutex_lock(&routes.lock);
    while (i < routes.n && routes.dev[i].dev != dev)
        i++;
    if (i < routes.n) {
        unsigned after = --routes.n - i;

        route_store_forget(&routes.store, dev->ifindex);
        memmove(&routes.dev[i], &routes.dev[i + 1], after * sizeof(routes.dev[0]));
        memmove(&routes.ifindex[i], &routes.ifindex[i + 1], after * sizeof(routes.ifindex[0]));
        memmove(&routes.dirty[i], &routes.dirty[i + 1], after * sizeof(routes.dirty[0]));
        routes.dump_devs -= i < routes.dump_devs;
    }
    dev->routes_attached = false;
    iroutes_forget(dev->ifindex);
    pthread_mutex_unlock(&routes.lock);
}

/* Dumps */

static bool
request_dump(uint8_t family)
{
    char buf[MNL_NLMSG_HDRLEN + 64] __attribute__((aligned(4)));
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct rtmsg *rtm;

    nlh->nlmsg_type = RTM_GETROUTE;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    nlh->nlmsg_seq = ++routes.seq;
    rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
    rtm->rtm_family = family;
    if (routes.n == 1)
        mnl_attr_put_u32(nlh, RTA_OIF, routes.ifindex[0]);
    return sys()->send(routes.fd, buf, nlh->nlmsg_len, 0) >= 0;
}

static void
begin_dump(uint64_t now)
{
    routes.dump_at = NEVER;
    routes.unclean = false;
    routes.dump_devs = routes.n;
    routes.dump_began = now;
    route_store_mark(&routes.store);
    routes.dumping = AF_INET;
    if (!request_dump(AF_INET)) {
        routes.dumping = 0;
        want_dump(now + RETRY_NS);
    }
}

static void
end_dump(uint64_t now)
{
    routes.dumping = 0;
    routes.dump_cost = now - routes.dump_began;
    route_store_sweep(&routes.store, routes.ifindex, routes.n, routes.dirty);
    for (unsigned i = 0; i < routes.dump_devs; i++)
        routes.dev[i].complete = true;
    if (routes.unclean)
        want_dump(now + RETRY_NS + 4 * routes.dump_cost);
}

/* The end of one family's part. */
static void
dump_done(int err, uint64_t now)
{
    if (err != 0)
        routes.unclean = true;
    if (routes.dumping == AF_INET && request_dump(AF_INET6)) {
        routes.dumping = AF_INET6;
        return;
    }
    end_dump(now);
}

/* Answers that the workers remember */

/* Returns the time of the next call. */
static uint64_t
forget_answers(uint64_t now)
{
    if ((routes.moved && now >= routes.raised_ns + ANSWERS_NS) ||
        now >= routes.raised_ns + ANSWERS_MAX_NS) {
        routes.moved = false;
        routes.raised_ns = now;
        fib_raise_generation();
    }
    return routes.raised_ns + (routes.moved ? ANSWERS_NS : ANSWERS_MAX_NS);
}

/* Messages */

static bool
is_ours(uint32_t ifindex)
{
    for (unsigned i = 0; i < routes.n; i++) {
        if (routes.ifindex[i] == ifindex)
            return true;
    }
    return false;
}

static void
take_route(const struct nlmsghdr *nlh, enum route_news news)
{
    struct route_msg msg;

    if (!route_msg_parse(nlh, &msg))
        return;
    if (route_store_apply(&routes.store, &msg, news, routes.ifindex, routes.n, routes.dirty) < 0 &&
        !routes.overfull) {
        routes.overfull = true;
        log_line(LOG_LEVEL_ERROR, "too many routes, or no memory for them: some are not used");
    }
    for (unsigned i = 0; !msg.add && i < msg.n; i++)
        iroutes_own_deleted(&msg.key, &msg.hop[i].gateway);
}

/* If a link or an address of ours changed, IPv4 routes may have vanished without a notification. */
static void
take_conf(const struct nlmsghdr *nlh, uint64_t now)
{
    const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
    const struct ifaddrmsg *addr = mnl_nlmsg_get_payload(nlh);
    size_t len = mnl_nlmsg_get_payload_len(nlh);
    bool ours;

    switch (nlh->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        ours = len >= sizeof(*link) && is_ours((uint32_t)link->ifi_index);
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        ours = len >= sizeof(*addr) && is_ours(addr->ifa_index);
        break;
    default: /* a nexthop object: any route may lead through it */
        ours = routes.n > 0;
    }
    if (ours)
        want_dump(now + SETTLE_NS + 4 * routes.dump_cost);
}

static bool
in_dump(const struct nlmsghdr *nlh)
{
    return routes.dumping != 0 && nlh->nlmsg_pid == routes.self && nlh->nlmsg_seq == routes.seq;
}

static void
take_end(const struct nlmsghdr *nlh, uint64_t now)
{
    size_t len = mnl_nlmsg_get_payload_len(nlh);
    int err = -EPROTO;

    if (in_dump(nlh)) {
        if (len >= sizeof(err))
            memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
        dump_done(err, now);
    }
}

static void
take_message(const struct nlmsghdr *nlh, void *arg)
{
    uint64_t now = *(const uint64_t *)arg;

    routes.moved = routes.moved || (nlh->nlmsg_type >= RTM_BASE && !in_dump(nlh));
    switch (nlh->nlmsg_type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        if (!in_dump(nlh) || (nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
            routes.unclean = true;
        take_route(nlh, in_dump(nlh) ? ROUTE_NEWS_DUMP : ROUTE_NEWS_CHANGE);
        break;
    case NLMSG_DONE:
    case NLMSG_ERROR:
        if ((nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
            routes.unclean = true;
        take_end(nlh, now);
        break;
    case RTM_NEWLINK:
    case RTM_DELLINK:
    case RTM_NEWADDR:
    case RTM_DELADDR:
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
        take_conf(nlh, now);
        break;
    default:
        break;
    }
}

/* False: nothing more to read now. */
static bool
read_one(uint64_t now)
{
    static char buf[READ_SIZE] __attribute__((aligned(8)));
    struct sockaddr_nl from = {0};
    socklen_t from_len = sizeof(from);
    ssize_t len = sys()->recvfrom(routes.fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC,
                                  (struct sockaddr *)&from, &from_len);

    if (len < 0 && errno == ENOBUFS) {
        routes.moved = true;
        routes.unclean = true;
        want_dump(now + SETTLE_NS);
        return true;
    }
    if (len < 0)
        return errno == EINTR;
    if (len > (ssize_t)sizeof(buf)) {
        want_dump(now + SETTLE_NS);
    } else if (from.nl_pid == 0) {
        route_msg_each(buf, (size_t)len, take_message, &now);
    }
    return true;
}

void
routes_ready(void)
{
    uint64_t now = clock_now_ns();

    pthread_mutex_lock(&routes.lock);
    for (unsigned i = 0; i < READS_MAX && read_one(now); i++) {
    }
    (void)forget_answers(now);
    pthread_mutex_unlock(&routes.lock);
}

/* Publication */

static bool
is_subnet(const struct route_key *key, const struct route_hop *hop)
{
    (void)key;
    return hop->subnet;
}

static bool
counts(const struct route_key *key, const struct route_hop *hop)
{
    return hop->subnet || (hop->gateway.family != 0 && !iroutes_are_own(key, &hop->gateway));
}

/* NULL: no memory. */
static struct dco_routes *
routes_set(uint32_t ifindex, size_t *n)
{
    struct dco_route *list = NULL;
    struct dco_routes *set = NULL;

    if (route_store_list(&routes.store, ifindex, counts, &list, n) == 0)
        set = dco_routes_new(&plane_env, list, *n);
    free(list);
    return set;
}

/* The iroutes, then the device's subnets, which a wider iroute does not cover: the addresses there
 * are for other clients. NULL: no memory. */
static struct dco_routes *
iroutes_set(uint32_t ifindex, size_t *n)
{
    struct dco_route *list = NULL, *subnets = NULL, *both = NULL;
    struct dco_routes *set = NULL;
    size_t of_device = 0;

    if (iroutes_list(ifindex, &list, n) == 0 &&
        route_store_list(&routes.store, ifindex, is_subnet, &subnets, &of_device) == 0)
        both = calloc(*n + of_device + 1, sizeof(*both));
    if (both != NULL) {
        if (*n > 0)
            memcpy(both, list, *n * sizeof(*both));
        if (of_device > 0)
            memcpy(both + *n, subnets, of_device * sizeof(*both));
        set = dco_routes_new(&plane_env, both, *n + of_device);
    }
    free(list);
    free(subnets);
    free(both);
    return set;
}

static void
publish(unsigned i, uint64_t now)
{
    struct dev_routes *d = &routes.dev[i];
    size_t n = 0, kept = 0;
    struct dco_routes *set = routes_set(routes.ifindex[i], &n);
    struct dco_routes *iroutes = iroutes_set(routes.ifindex[i], &kept);
    uint64_t cost;

    if (set == NULL || iroutes == NULL) {
        dco_routes_free(set);
        dco_routes_free(iroutes);
        d->not_before = now + RETRY_NS; /* the earlier routes stay in force */
        return;
    }
    dco_peers_set_iroutes(d->dev->peers, iroutes);
    dco_peers_set_routes(d->dev->peers, set);
    routes.dirty[i] = false;
    cost = clock_now_ns() - now;
    d->not_before = now + 8 * cost;
    log_line(LOG_LEVEL_DEBUG, "%s: %zu iroute%s, %zu route%s that count", d->dev->name, kept,
             kept == 1 ? "" : "s", n, n == 1 ? "" : "s");
}

/* Publishes what changed, where that is due. Returns the time of the next publication, NEVER if
 * there is nothing to publish. */
static uint64_t
publish_all(uint64_t now)
{
    bool all = iroutes_changed();
    uint64_t next = NEVER;

    for (unsigned i = 0; i < routes.n; i++) {
        routes.dirty[i] = routes.dirty[i] || all;
        if (!routes.dirty[i] || !routes.dev[i].complete)
            continue;
        if (routes.dev[i].not_before <= now)
            publish(i, now);
        if (routes.dirty[i] && routes.dev[i].not_before < next)
            next = routes.dev[i].not_before;
    }
    return next;
}

uint64_t
routes_tick(uint64_t now)
{
    uint64_t next, forget, due;

    pthread_mutex_lock(&routes.lock);
    forget = forget_answers(now);
    if (routes.dumping != 0 && now - routes.dump_began > DUMP_MAX_NS) {
        routes.unclean = true;
        end_dump(now);
    }
    if (routes.fd >= 0 && routes.dumping == 0 && routes.n > 0 && routes.dump_at <= now)
        begin_dump(now);
    next = routes.dumping != 0 ? routes.dump_began + DUMP_MAX_NS : routes.dump_at;
    due = publish_all(now);
    pthread_mutex_unlock(&routes.lock);
    next = due < next ? due : next;
    return next < forget ? next : forget;
}
