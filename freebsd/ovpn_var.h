/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the module share: one struct per interface, and who calls whom.
 *
 * Locks, in the order in which they are taken:
 *   ovpn_sx        every interface of the module: shared by ioctl, exclusive to end an interface
 *   sc->ctl        the commands of one interface, one at a time; may sleep
 *   control lock   of core/peers.h; never held across anything that sleeps
 *   sc->so_mtx     the socket of the interface
 *   sc->defer_mtx  leaf
 * The data path holds none of them: it runs inside the network epoch, which is the read section of
 * core/env.h. It takes the control lock for the rare packet that changes something (a float, a
 * worn-out key), and the replay lock of the one key it received with.
 */
#ifndef OVPN_VAR_H
#define OVPN_VAR_H

#include <sys/param.h>
#include <sys/systm.h>
#include <sys/counter.h>
#include <sys/epoch.h>
#include <sys/kernel.h>
#include <sys/lock.h>
#include <sys/malloc.h>
#include <sys/mbuf.h>
#include <sys/mutex.h>
#include <sys/nv.h>
#include <sys/queue.h>
#include <sys/sdt.h>
#include <sys/socket.h>
#include <sys/sx.h>
#include <sys/taskqueue.h>
#include <sys/time.h>

#include <net/if.h>
#include <net/if_var.h>
#include <net/if_private.h>
#include <net/vnet.h>

#include <netinet/in.h>

#include "../core/atomic.h"
#include "../core/control.h"
#include "../core/inner.h"
#include "ovpn_drop.h"

MALLOC_DECLARE(M_OVPN);
SDT_PROVIDER_DECLARE(if_ovpn);

/* The largest MTU and the largest inner packet, in bytes: with UDP and IP headers it is the largest
 * datagram of IPv4, which is the smaller of the two. Of netinet/ip.h. */
#define OVPN_INNER_MAX (IP_MAXPACKET - 20 - 8 - (int)DCO_OVERHEAD)

/* Interface-wide counters beside those of the drop reasons. */
enum ovpn_counter {
    OVPN_CTRL_IN, /* datagrams left to openvpn */
    OVPN_DATA_IN, /* inner packets */
    OVPN_DATA_OUT,
    OVPN_TUNNEL_IN, /* inner bytes */
    OVPN_TUNNEL_OUT,
    OVPN_TRANSPORT_IN, /* UDP datagrams, header included: bytes */
    OVPN_TRANSPORT_OUT,
    OVPN_COUNTERS,
};

struct ovpn_softc {
    struct ifnet *ifp;             /* atomic; NULL once the interface has ended */
    LIST_ENTRY(ovpn_softc) link;   /* ovpn_sx; of its network's list, or of what is leaving */
    struct sx ctl;                 /* see above */
    struct dco_siphash_key secret; /* const */
    struct dco_env env;            /* const */
    struct dco_peers *set[2];      /* ctl; by enum dco_mode; made on first use, freed at the end */
    struct dco_peers *active;      /* atomic; writers: ctl. The set that new peers join */
    uint32_t objects;              /* atomic; peers that exist, in sight or not */
    uint32_t era;                  /* atomic; another one since it left its network, or ended */

    struct vnet *vnet; /* ctl; sockets must be of this network. NULL: on the way to another one */
    struct mtx so_mtx; /* leaf, but for what wakes a socket up */
    struct socket *so; /* so_mtx, which keeps it: its last close sets it to NULL. No reference */
    uint32_t fib;      /* atomic; of so */
    uint32_t port;     /* atomic; so is bound to it, network order */

    struct timeout_task tick;
    uint32_t dying; /* atomic; set once, before the tick is drained */

    struct dco_event event; /* ctl; taken from the core and not yet fetched */
    uint64_t event_number;  /* ctl; of the newest that was taken */
    bool event_waits;       /* ctl; event holds one, the newest */
    uint64_t loop_said_ns;  /* atomic; when the log last had a line about a packet that loops */
    uint64_t float_said_ns; /* atomic; and about a float that was not followed */

    struct mtx defer_mtx;
    struct dco_deferred *defer_now;  /* defer_mtx; covered by the epoch call that is under way */
    struct dco_deferred *defer_next; /* defer_mtx; came after it was made */
    bool defer_armed;                /* defer_mtx; an epoch call is under way */
    struct epoch_context defer_ctx;

    counter_u64_t counters[OVPN_COUNTERS];
    counter_u64_t drops[OVPN_DROP_COUNT];
};

static inline void
ovpn_count(struct ovpn_softc *sc, enum ovpn_counter which, uint64_t n)
{
    counter_u64_add(sc->counters[which], (int64_t)n);
}

/* Monotonic; as fine as the clock interrupt, which is what timers of seconds need. */
static inline uint64_t
ovpn_now_ns(void)
{
    sbintime_t now = getsbinuptime();

    return (uint64_t)(now >> 32) * 1000000000ULL +
           (((uint64_t)(uint32_t)now * 1000000000ULL) >> 32);
}

/* At most one line a minute: true if it is time for one. said_ns: when the last was written. */
static inline bool
ovpn_may_say(uint64_t *said_ns)
{
    uint64_t now = ovpn_now_ns(), last = dco_load(said_ns);

    return (last == 0 || now - last >= 60000000000ULL) && dco_cas(said_ns, &last, now);
}

/* ovpn_if.c */
extern struct sx ovpn_sx;
LIST_HEAD(ovpn_softcs, ovpn_softc);
VNET_DECLARE(struct ovpn_softcs, ovpn_softcs);
#define V_ovpn_softcs VNET(ovpn_softcs)

/* ovpn_ioctl.c: if_ioctl. */
int ovpn_ioctl(struct ifnet *ifp, u_long cmd, caddr_t data);

/* ovpn_peer.c: commands that concern peers and keys. Request lists may be NULL. ctl held. */
int ovpn_cmd_new_peer(struct ovpn_softc *sc, const nvlist_t *nvl);
int ovpn_cmd_del_peer(struct ovpn_softc *sc, const nvlist_t *nvl);
int ovpn_cmd_set_peer(struct ovpn_softc *sc, const nvlist_t *nvl);
int ovpn_cmd_new_key(struct ovpn_softc *sc, const nvlist_t *nvl);
int ovpn_cmd_swap_keys(struct ovpn_softc *sc, const nvlist_t *nvl);
int ovpn_cmd_del_key(struct ovpn_softc *sc, const nvlist_t *nvl);
/* The keys in a request are wiped, whatever it asked for. Needs no lock. */
void ovpn_keys_wipe(const nvlist_t *nvl);
/* Every peer of the interface goes, without a trace left for openvpn. ctl held. */
void ovpn_peers_flush(struct ovpn_softc *sc);
/* The same when the socket was closed, for who must not sleep; events stay until they are flushed
 * by who has ctl. In the network epoch. */
void ovpn_peers_orphaned(struct ovpn_softc *sc);
uint32_t ovpn_peers_count(struct ovpn_softc *sc);

/* ovpn_nv.c: lists and their parts; each returns 0 or the errno of the ABI. */
int ovpn_nv_number(const nvlist_t *nvl, const char *name, uint64_t max, uint64_t *value);
int ovpn_nv_sockaddr(const nvlist_t *nvl, const char *name, struct sockaddr_storage *ss);
int ovpn_nv_add_pair(nvlist_t *nvl, const char *name, uint64_t in, uint64_t out);
int ovpn_nv_add_endpoint(nvlist_t *nvl, const char *name, const struct dco_endpoint *endpoint);

/* ovpn_notify.c */
int ovpn_cmd_poll(struct ovpn_softc *sc, nvlist_t *reply);
int ovpn_cmd_get_event(struct ovpn_softc *sc, nvlist_t *reply);
/* The event arrived that was the newest when ovpn_cmd_get_event() described it. */
void ovpn_event_fetched(struct ovpn_softc *sc, uint64_t number);
void ovpn_events_flush(struct ovpn_softc *sc);

/* ovpn_stats.c */
int ovpn_stats_init(struct ovpn_softc *sc);
void ovpn_stats_fini(struct ovpn_softc *sc);
int ovpn_cmd_get_stats(struct ovpn_softc *sc, nvlist_t *reply);
int ovpn_cmd_get_peer_stats(struct ovpn_softc *sc, nvlist_t *reply);

/* ovpn_env.c: memory and deferred execution for the core. */
void ovpn_env_init(struct ovpn_softc *sc);
void ovpn_env_fini(struct ovpn_softc *sc);
/* Nothing deferred is left and every peer is gone, those of unfinished crypto jobs included. */
bool ovpn_env_is_idle(struct ovpn_softc *sc);
/* Sleeps until it is so, for about so many ticks at most. */
void ovpn_env_drain(struct ovpn_softc *sc, int ticks);

/* ovpn_sock.c: the UDP socket. */
/* ctl held, and the file of so. When its last file is closed, the peers go and sc lets go of it.
 * EPROTOTYPE: not UDP; EINVAL: of another virtual network; EBUSY: another tunnel has it, or the
 * peers use another socket. */
int ovpn_sock_adopt(struct ovpn_softc *sc, struct socket *so, uint16_t port);
/* ctl held. Sleeps; afterwards nothing of the socket refers to sc. False: there was none any more.
 */
bool ovpn_sock_release(struct ovpn_softc *sc);
/* Sleeps until no close is under way inside the module. */
void ovpn_sock_drain(void);

/* ovpn_input.c: udp_tun_func_t. */
struct inpcb;
bool ovpn_udp_input(struct mbuf *m, int off, struct inpcb *inp, const struct sockaddr *from,
                    void *ctx);

/* ovpn_output.c: if_transmit, if_output, and keepalives. In the network epoch. */
int ovpn_transmit(struct ifnet *ifp, struct mbuf *m);
int ovpn_output(struct ifnet *ifp, struct mbuf *m, const struct sockaddr *dst, struct route *ro);
void ovpn_send_keepalive(struct ovpn_softc *sc, struct dco_peer *peer);

/* ovpn_encap.c: UDP and IP headers, then away. Takes m; 0 or an errno. In the network epoch. */
int ovpn_encap(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m);

/* ovpn_route.c */
/* The peer to which packets for dst go, or NULL. fib: where to look for a gateway. via: only a
 * route through this interface counts (NULL: any). In the network epoch. */
struct dco_peer *ovpn_route_peer(const struct dco_peers *set, const struct dco_ip *dst,
                                 uint32_t fib, const struct ifnet *via);
/* Whether a peer at stored may be answered where a packet was seen; not where the way leads through
 * the tunnel itself. Forgets a local address in seen that is none of this host. In the epoch. */
bool ovpn_route_vet(struct ovpn_softc *sc, const struct dco_path *stored, struct dco_path *seen);
/* An address of this host: of IPv6 with its zone, if it is link-local. In the network epoch. */
bool ovpn_route_is_local(const struct dco_ip *ip, uint32_t scope_id);
/* Lowers the MSS of a SYN as net.link.openvpn.mssfix says. NULL: no memory, m is gone. */
struct mbuf *ovpn_clamp_mss(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m,
                            const struct dco_inner *inner);
/* Makes the IP header contiguous and reads it; version 0: not IP. NULL: no memory, m is gone. */
struct mbuf *ovpn_parse_inner(struct mbuf *m, struct dco_inner *inner);

/* ovpn_timer.c */
void ovpn_timer_init(struct ovpn_softc *sc);
void ovpn_timer_kick(struct ovpn_softc *sc); /* timers changed: look again at once */
void ovpn_timer_drain(struct ovpn_softc *sc);

/* The sysctls of net.link.openvpn. */
VNET_DECLARE(int, ovpn_replay_protection);
#define V_ovpn_replay_protection VNET(ovpn_replay_protection)
VNET_DECLARE(int, ovpn_async_crypto);
#define V_ovpn_async_crypto VNET(ovpn_async_crypto)
VNET_DECLARE(int, ovpn_netisr_queue);
#define V_ovpn_netisr_queue VNET(ovpn_netisr_queue)
VNET_DECLARE(int, ovpn_mssfix);
#define V_ovpn_mssfix VNET(ovpn_mssfix)

#endif
