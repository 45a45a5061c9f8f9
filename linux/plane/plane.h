/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data plane of one process: devices, port groups, worker threads and one housekeeping thread,
 * as the preload layer, the ABI families and the status server use them.
 *
 * Threads. Everything here is called from openvpn's thread, with the preload layer's lock held,
 * unless a function says otherwise. Workers and housekeeping are started with the first device and
 * have ended when plane_dev_free() of the last one returns.
 *
 * Errors are negative errno values. No function here exits, aborts, or writes to openvpn's log
 * except through log.h.
 */
#ifndef DCO_PLANE_PLANE_H
#define DCO_PLANE_PLANE_H

#include <net/if.h>
#include <netinet/in.h>

#include "core/control.h"
#include "core/events.h"
#include "linux/sys/setting_rules.h"

struct plane_dev;
struct plane_port;

#define PLANE_WORKERS_MAX SETTINGS_WORKERS_MAX

/* What the user may set: options of `opendco run`, or the environment variables behind them. */
struct plane_config {
    unsigned workers; /* 0: as many as cores and task limits allow */
    int mss;          /* SETTINGS_MSS_AUTO: clamp to the path of each peer; SETTINGS_MSS_OFF; or the
                         largest MSS in bytes */
};

/* Before the first device; later calls are ignored. */
void plane_configure(const struct plane_config *config);

/* Opens what cannot be opened after chroot() or a change of user: a way to /dev/net/tun, the route
 * socket. Called once the process has shown that it wants the family. -errno of the first thing
 * missing (the caller turns it into the line that says why offload is off). */
int plane_prepare(void);

/* Called from the child of fork(): closes every descriptor of the plane without touching its locks
 * or threads, which the child does not have. */
void plane_fork_child(void);

/* Ends all threads, closes everything. Called at exit. */
void plane_shutdown(void);

/* What whoever embeds the plane is told. Constant: a program defines it, or has the plane's own,
 * which is empty. */
struct plane_hooks {
    void (*on_event)(void); /* by housekeeping, without the preload lock, whenever events wait on
                               some device */
};
extern const struct plane_hooks plane_hooks;

/* ---- devices ------------------------------------------------------------------------------ */

/* Creates the TUN device and its queues, MTU 1428, down. -EEXIST, -EPERM, -ENOENT (no
 * /dev/net/tun), -EINVAL (name), -EBUSY ... as the kernel answers. */
int plane_dev_new(const char *name, enum dco_mode mode, struct plane_dev **dev);

/* Removes peers, device and queues. The kernel device is gone when it returns. */
void plane_dev_free(struct plane_dev *dev);

struct plane_dev *plane_dev_by_index(uint32_t ifindex);
struct plane_dev *plane_dev_by_name(const char *name);
struct plane_dev *plane_dev_next(const struct plane_dev *dev); /* NULL: the first */
uint32_t plane_dev_index(const struct plane_dev *dev);

/* What the interface that made the device calls its kind (static; "" until then), and whether
 * openvpn is told through it where a client is that moved. Before the first peer. */
void plane_dev_set_kind(struct plane_dev *dev, const char *kind, bool floats_told);
/* Whether its peers may be at another address than that of their session; until then they may.
 * Before the first peer. */
void plane_dev_set_floats(struct plane_dev *dev, bool floats);
const char *plane_dev_kind(const struct plane_dev *dev);
struct dco_peers *plane_dev_peers(struct plane_dev *dev);

/* How many threads may use one key at a time: the `threads` of aead_new(). */
unsigned plane_key_threads(void);

/* ---- port groups: the sockets of one UDP port ----------------------------------------------- */

/* How many more sockets a server's port should get for the workers to read from. */
unsigned plane_group_size(void);

/* Further members of a port, at most: one to read and one to send with for each worker. */
#define PLANE_MEMBERS_MAX (2 * PLANE_WORKERS_MAX)

/* A port group over fd (the socket openvpn made) and further members bound to the same port: n that
 * workers read from, and after them `senders` that only send and must get no datagram (0: those
 * that are read send too). All are taken over, also on error. control_fd is the plane's end of the
 * pair whose other end openvpn reads; each datagram on it starts with struct plane_control_hdr. The
 * caller holds the reference that is returned. Workers read once the group is tied to a device. */
int plane_port_new(int fd, const int *members, unsigned n, unsigned senders, int control_fd,
                   struct plane_port **sock);

struct plane_port *plane_port_get(struct plane_port *sock);
void plane_port_put(struct plane_port *sock);

/* Closes every member and the pair: when it returns the port is free. Peers that still use it keep
 * their reference and can no longer send. Does not give up the caller's reference. */
void plane_port_close(struct plane_port *sock);

/* Ties the group to the device whose peers arrive on it. A group serves one device; -EBUSY. */
int plane_port_bind_dev(struct plane_port *sock, struct plane_dev *dev);

/* Where a datagram of openvpn's to dst really goes: a peer that floated is reached at its new
 * address. What goes to a session that is no peer yet is remembered, so that no peer takes its name
 * by moving there. The thread that makes and ends devices. */
void plane_port_map_dest(struct plane_port *sock, struct sockaddr_storage *dst);

/* For a new peer of openvpn's: its path as it really is, and as origin what openvpn said, which is
 * something else for one that came from where another peer had been before. */
void plane_port_peer_locate(struct plane_port *sock, struct dco_peer_new *req);
/* The peer was made, and has no key yet: from now on that name is its own. Likewise. */
void plane_port_peer_made(struct plane_port *sock, const struct dco_peer_new *req);

/* Before a datagram from the pair: where it came from and, if the socket asked for packet info,
 * which of our addresses it was sent to. */
struct plane_control_hdr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } source;
    uint32_t source_len;
    uint32_t has_pktinfo; /* 0, AF_INET or AF_INET6 */
    union {
        struct in_pktinfo in;
        struct in6_pktinfo in6;
    } pktinfo;
};

/* ---- events ---------------------------------------------------------------------------------- */

/* The next waiting event of any device; false if there is none. Any thread, one at a time. Also
 * keeps the plane's own books (translations of floated peers), so take events only through this. */
bool plane_event_take(struct plane_dev **dev, struct dco_event *event);

/* ---- for the status server (any thread) -------------------------------------------------------
 */

struct plane_dev_status {
    char name[IFNAMSIZ];
    uint32_t ifindex;
    enum dco_mode mode;
    unsigned mtu;
    bool tun_tso, tun_uso, udp_gso, udp_gro, tun_batch;
    unsigned udp_sockets; /* that workers read, of all its ports */
};

unsigned plane_worker_count(void);
void plane_dev_status(struct plane_dev *dev, struct plane_dev_status *status);
/* What this device dropped, over all workers. */
void plane_dev_drops(const struct plane_dev *dev, struct dco_drops *sum);
/* What the process dropped: all devices, those that are gone included, and housekeeping. Inside
 * plane_devs_lock. */
void plane_drops(struct dco_drops *sum);
/* Keeps the list of devices from changing meanwhile. Housekeeping only; never blocks for long. */
void plane_devs_lock(void);
void plane_devs_unlock(void);

#endif
