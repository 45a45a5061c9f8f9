/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connected UDP socket knows the MTU of its path (route, mark, device, exceptions learnt from
 * ICMP, IPsec) before it sends a packet. Each port has one such socket for each address family.
 * openvpn's thread makes them, because housekeeping has no right to set a mark. Between two
 * questions a socket is disconnected and holds no port.
 */
#include "linux/plane/pathmtu.h"

#include <string.h>

#include "core/atomic.h"
#include "linux/plane/route_mtu.h"
#include "linux/sys/calls.h"
#include "linux/sys/endpoint.h"

/* A lower MTU that comes from ICMP is ignored: anybody can send "fragmentation needed" with the
 * ports of a tunnel, and the kernel believes it down to 552 bytes for ten minutes. Every IPv6 path
 * carries packets of this size, and Linux itself accepts no less there. */
#define LEARNT_MIN 1280U

#define TURNS    40U           /* calls in which each peer has its turn once */
#define FLOAT_NS 1000000000ULL /* a peer is due for so long after it floated */

/* Questions per call, of a few microseconds each, while the devices' lock is held. Peers without an
 * answer so far get half of them at most, so that many unreachable peers do not starve the rest. */
#define DUE_MAX 512U

/* Packets with another mark or device may take another path. */
static void
copy_options(int from, int to)
{
    char device[IFNAMSIZ] = "";
    socklen_t len = sizeof(device);
    int mark = 0;
    socklen_t mark_len = sizeof(mark);

    if (sys()->getsockopt(from, SOL_SOCKET, SO_BINDTODEVICE, device, &len) == 0 &&
        device[0] != '\0')
        (void)sys()->setsockopt(to, SOL_SOCKET, SO_BINDTODEVICE, device, len);
    if (sys()->getsockopt(from, SOL_SOCKET, SO_MARK, &mark, &mark_len) == 0 && mark != 0)
        (void)sys()->setsockopt(to, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
}

void
path_mtu_open(struct plane_port *port)
{
    static const int families[2] = {AF_INET, AF_INET6};

    for (int i = 0; i < 2; i++) {
        port->probe[i] = sys()->socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (port->probe[i] >= 0)
            copy_options(port->fd[0], port->probe[i]);
    }
    (void)fib_open(&port->fib);
}

void
path_mtu_close(struct plane_port *port)
{
    for (int i = 0; i < 2; i++) {
        if (port->probe[i] >= 0)
            sys()->close(port->probe[i]);
        port->probe[i] = -1;
    }
    fib_close(&port->fib);
}

/* Replaces the local address of the last question. If the address no longer exists, the kernel
 * chooses one. */
static void
bind_local(int fd, const struct dco_ip *local, sa_family_t family)
{
    struct dco_endpoint ep = {.ip = *local};
    struct sockaddr_storage ss;

    if (endpoint_to_sockaddr(&ep, family, &ss) == 0)
        ss.ss_family = family;
    if (sys()->bind(fd, (struct sockaddr *)&ss, sizeof(ss)) < 0) {
        memset(&ss, 0, sizeof(ss));
        ss.ss_family = family;
        (void)sys()->bind(fd, (struct sockaddr *)&ss, sizeof(ss));
    }
}

static unsigned
connected_mtu(int fd, const struct dco_endpoint *remote, sa_family_t family)
{
    struct sockaddr_storage ss;
    socklen_t len = endpoint_to_sockaddr(remote, family, &ss);
    int mtu = 0, err;
    socklen_t mtu_len = sizeof(mtu);

    if (len == 0 || sys()->connect(fd, (struct sockaddr *)&ss, len) < 0)
        return 0;
    err = family == AF_INET ? sys()->getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &mtu_len)
                            : sys()->getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &mtu_len);
    return err < 0 || mtu < 0 ? 0 : (unsigned)mtu;
}

static void
disconnect(int fd)
{
    struct sockaddr unspec = {.sa_family = AF_UNSPEC};

    (void)sys()->connect(fd, &unspec, sizeof(unspec));
}

/* With `mtu-disc yes` the kernel refuses packets that it believes too large and does not fragment
 * them. Then even a forged MTU must be obeyed, or nothing gets through. */
static bool
may_fragment(const struct plane_port *port)
{
    int how = 0;
    socklen_t len = sizeof(how);

    return sys()->getsockopt(port->fd[0], IPPROTO_IP, IP_MTU_DISCOVER, &how, &len) == 0 &&
           how != IP_PMTUDISC_DO;
}

/* Raises mtu to LEARNT_MIN, or to the MTU that the administrator set if that is smaller. */
static unsigned
ignore_too_small(struct plane_port *port, const struct dco_path *path, unsigned mtu)
{
    struct fib_flow flow = {
        .dst = path->remote.ip, .src = path->local, .oif = port->way.oif, .mark = port->way.mark};
    unsigned set;

    if (!may_fragment(port))
        return mtu;
    set = route_mtu_get(&port->fib, &flow);
    set = set < LEARNT_MIN ? set : LEARNT_MIN;
    return mtu > set ? mtu : set;
}

unsigned
path_mtu_get(struct plane_port *port, const struct dco_path *path)
{
    bool six = path->remote.ip.family == 6;
    sa_family_t family = six ? AF_INET6 : AF_INET;
    int fd = port->probe[six];
    unsigned mtu;

    if (path->remote.ip.family == 0 || fd < 0)
        return 0;
    bind_local(fd, &path->local, family);
    mtu = connected_mtu(fd, &path->remote, family);
    disconnect(fd);
    if (!six && mtu != 0 && mtu < LEARNT_MIN) /* for IPv6 the kernel itself does this */
        mtu = ignore_too_small(port, path, mtu);
    return mtu;
}

/* One walk over the peers of a device. */
struct walk {
    unsigned turn;
    unsigned unknown; /* picked peers that have no answer so far */
    uint64_t now_ns;
};

static bool
is_due(const struct dco_peer *peer, const struct walk *walk)
{
    uint64_t moved_ns = dco_peers_moved_ns(peer);

    return (dco_peer_id(peer) + walk->turn) % TURNS == 0 ||
           (moved_ns != 0 && walk->now_ns - moved_ns < FLOAT_NS);
}

static bool
pick(struct dco_peer *peer, void *arg)
{
    struct walk *walk = arg;
    const struct plane_port *port = dco_peer_transport(peer);
    bool first = dco_load(&dco_peer_platform(peer)->path_mtu) == 0 && walk->unknown < DUE_MAX / 2;

    if (port->stream != NULL || (!first && !is_due(peer, walk)))
        return false; /* TCP cuts by itself */
    walk->unknown += first;
    return true;
}

void
path_mtu_refresh(struct plane_dev *dev, uint64_t now_ns)
{
    static unsigned turn; /* housekeeping */
    struct walk walk = {.turn = turn + 1, .now_ns = now_ns};
    struct dco_peer *due[DUE_MAX];
    unsigned n = dco_peers_select(dev->peers, pick, &walk, due, DUE_MAX);

    turn++;
    for (unsigned i = 0; i < n; i++) {
        struct dco_path path;
        unsigned mtu;

        dco_peer_path(due[i], &path);
        mtu = path_mtu_get(dco_peer_transport(due[i]), &path);
        if (mtu != 0)
            dco_store(&dco_peer_platform(due[i])->path_mtu,
                      (uint16_t)(mtu < UINT16_MAX ? mtu : UINT16_MAX));
        dco_peer_put(due[i]);
    }
}
