/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "linux/plane/kernel_offload.h"
#include "linux/plane/rtnl_query.h"
#include "linux/sys/calls.h"
#include "linux/sys/kernel_abi.h"
#include "linux/sys/log.h"

#define TUN_PATH      "/dev/net/tun"
#define TUN_MTU       1428 /* default of the ovpn-dco driver */
#define TUN_QUEUE_LEN 1000 /* packets; likewise */

/* Of the process: spares outlive the devices. openvpn's thread. The last one is used first. */
static struct {
    int fd[TUN_QUEUES_MAX];
    unsigned n;
} spares;

int
tun_spares_open(unsigned n)
{
    while (spares.n < n && spares.n < TUN_QUEUES_MAX) {
        int fd = sys()->open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
            return -errno;
        spares.fd[spares.n++] = fd;
    }
    return 0;
}

void
tun_spares_close(void)
{
    while (spares.n > 0)
        sys()->close(spares.fd[--spares.n]);
}

static int
tun_open(void)
{
    int fd;

    if (spares.n > 0)
        return spares.fd[--spares.n];
    fd = sys()->open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void
tun_spares_refill(int fd)
{
    if (spares.n < TUN_QUEUES_MAX)
        spares.fd[spares.n++] = fd;
    else
        sys()->close(fd);
}

/* The kernel answers EBUSY to IFF_TUN_EXCL if the name is in use, by any TUN device. */
static int
tun_attach(int fd, const char *name, unsigned n, bool first)
{
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};

    if (n > 1)
        ifr.ifr_flags |= IFF_MULTI_QUEUE;
    if (first)
        ifr.ifr_flags |= (short)IFF_TUN_EXCL; /* the sign bit */
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    if (ioctl(fd, TUNSETIFF, &ifr) < 0)
        return first && errno == EBUSY ? -EEXIST : -errno;
    return 0;
}

static void
tun_defaults(const char *name)
{
    struct ifreq ifr = {.ifr_mtu = TUN_MTU};
    int s = sys()->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (s < 0)
        return;
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    if (ioctl(s, SIOCSIFMTU, &ifr) < 0)
        log_line(LOG_LEVEL_WARN, "cannot set MTU %d on %s: %s", TUN_MTU, name, strerror(errno));
    sys()->close(s);
    tun_set_queue_len(name, TUN_QUEUE_LEN);
}

/* The device works with any length. */
void
tun_set_queue_len(const char *name, unsigned len)
{
    struct ifreq ifr = {.ifr_qlen = (int)len};
    int s = sys()->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (s < 0)
        return;
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    if (ioctl(s, SIOCSIFTXQLEN, &ifr) < 0)
        log_line(LOG_LEVEL_WARN, "cannot set the length of the queue of %s to %u: %s", name, len,
                 strerror(errno));
    sys()->close(s);
}

int
tun_new(const char *name, unsigned n, int *fds, uint32_t *ifindex)
{
    unsigned made = 0;
    int err = 0;

    if (if_nametoindex(name) != 0)
        return -EEXIST;
    for (; made < n; made++) {
        int fd = tun_open();

        err = fd < 0 ? fd : tun_attach(fd, name, n, made == 0);
        if (err < 0) {
            if (fd >= 0)
                tun_spares_refill(fd);
            break;
        }
        fds[made] = fd;
    }
    *ifindex = err < 0 ? 0 : if_nametoindex(name);
    if (err == 0 && *ifindex == 0)
        err = -ENODEV;
    if (err < 0) {
        while (made > 0)
            sys()->close(fds[--made]);
        return err;
    }
    tun_defaults(name);
    return 0;
}

/* 0 or -errno. */
static int
link_delete(uint32_t ifindex)
{
    struct {
        struct nlmsghdr nlh;
        struct ifinfomsg ifi;
    } req = {
        .nlh = {.nlmsg_len = sizeof(req),
                .nlmsg_type = RTM_DELLINK,
                .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
                .nlmsg_seq = 1},
        .ifi = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex},
    };
    struct {
        struct nlmsghdr nlh;
        struct nlmsgerr err;
        char more[512]; /* the request again, and extended error attributes */
    } answer;
    int fd = rtnl_query_open();
    ssize_t len;

    if (fd < 0)
        return fd;
    len = rtnl_query(fd, &req.nlh, &answer, sizeof(answer));
    sys()->close(fd);
    if (len < 0)
        return (int)len;
    if (answer.nlh.nlmsg_type != NLMSG_ERROR || (size_t)len < NLMSG_LENGTH(sizeof(int)))
        return -EPROTO;
    return answer.err.error;
}

/* A script may have moved the device into another network namespace. There its index may stand for
 * another device, and this process cannot delete it by a message. */
static bool
link_is_here(uint32_t ifindex, int fd)
{
    struct ifreq ifr = {.ifr_flags = 0};

    return ioctl(fd, TUNGETIFF, &ifr) == 0 && if_nametoindex(ifr.ifr_name) == ifindex;
}

/* If the process may not delete the link, or the link is elsewhere, closing the last queue deletes
 * the device as well, but no descriptor is left to keep. */
void
tun_free(uint32_t ifindex, unsigned n, const int *fds)
{
    bool keep = ifindex == 0 || (link_is_here(ifindex, fds[0]) && link_delete(ifindex) == 0);

    /* The first queue goes back last and is used first again: the kernel refuses (EBUSY) to make a
     * device on a descriptor that was a later queue of another. */
    for (unsigned i = n; i-- > 0;) {
        if (keep)
            tun_spares_refill(fds[i]);
        else
            sys()->close(fds[i]);
    }
}

void
tun_offload(int fd, bool *tso, bool *uso)
{
    unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    bool want = offload_wanted(OFFLOAD_TUN_TSO);

    *uso = want && offload_wanted(OFFLOAD_TUN_USO) &&
           ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
    *tso = *uso || (want && ioctl(fd, TUNSETOFFLOAD, tcp) == 0);
    if (!*tso)
        (void)ioctl(fd, TUNSETOFFLOAD, 0);
}
