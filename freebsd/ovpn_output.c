/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_output.h"

#include <net/if_types.h>
#include <net/route.h>

#include "ovpn_addr.h"
#include "ovpn_clock.h"
#include "ovpn_encap.h"
#include "ovpn_inner.h"
#include "ovpn_job.h"
#include "ovpn_mbuf.h"
#include "ovpn_mss.h"
#include "ovpn_route.h"
#include "ovpn_sock.h"
#include "ovpn_stack.h"
#include "ovpn_udp.h"

#define MTAG_LOOP  0x6f76706e /* "ovpn": where a packet has already been tunnelled */
#define MAX_NESTED 3

/* The beginning of a UDP header, network order. */
struct ports {
    uint16_t from, to;
};

SDT_PROBE_DEFINE1(if_ovpn, tx, transmit, start, "struct mbuf *");
SDT_PROBE_DEFINE2(if_ovpn, tx, route, ip4, "struct in_addr *", "struct dco_peer *");
SDT_PROBE_DEFINE2(if_ovpn, tx, route, ip6, "struct in6_addr *", "struct dco_peer *");

static int
errno_of(unsigned reason)
{
    switch (reason) {
    case DCO_DROP_NONE:
        return 0;
    case DCO_DROP_TX_NOT_IP:
        return EAFNOSUPPORT;
    case DCO_DROP_TX_NO_KEY:
        return ENOLINK;
    case DCO_DROP_TX_TOO_BIG:
        return EMSGSIZE;
    case DCO_DROP_TX_NO_PEER:
    case OVPN_DROP_TX_DOWN:
        return ENETDOWN;
    case OVPN_DROP_TX_LOOP:
        return ELOOP;
    default:
        return ENOBUFS;
    }
}

static int
drop(struct ovpn_softc *sc, struct mbuf *m, unsigned reason)
{
    return errno_of(ovpn_drop(sc, m, reason));
}

static void
count_sent(struct ovpn_softc *sc, struct dco_peer *peer, uint32_t inner_len)
{
    dco_peer_count(peer, DCO_VPN_TX, 1, inner_len);
    if_inc_counter(sc->ifp, IFCOUNTER_OPACKETS, 1);
    if_inc_counter(sc->ifp, IFCOUNTER_OBYTES, inner_len);
}

static int
finish(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m, uint32_t counted)
{
    int error;

    error = ovpn_encap(sc, peer, m);
    if (error != 0)
        return error;
    dco_peer_sent(peer, ovpn_now_ns());
    if (counted != 0)
        count_sent(sc, peer, counted);
    return 0;
}

static void
finish_job(struct ovpn_job *job)
{
    CURVNET_SET(job->sc->ifp->if_vnet);
    if (ovpn_job_result(job) != 0)
        (void)ovpn_drop(job->sc, job->m, DCO_DROP_TX_CRYPTO);
    else
        (void)finish(job->sc, job->peer, job->m, job->counted);
    CURVNET_RESTORE();
}

static int
sealed(struct cryptop *crp)
{
    struct ovpn_job *job = crp->crp_opaque;
    struct epoch_tracker et;

    NET_EPOCH_ENTER(et);
    if (ovpn_job_is_late(job)) {
        (void)ovpn_job_result(job);
        (void)ovpn_drop(job->sc, job->m, DCO_DROP_TX_NO_PEER);
    } else {
        finish_job(job);
    }
    ovpn_job_free(job);
    NET_EPOCH_EXIT(et);
    return 0;
}

/* The header is contiguous afterwards. */
static struct mbuf *
prepend_header(struct mbuf *m, const struct dco_peer *peer, const struct dco_key *key, uint32_t id)
{
    bool plain = dco_key_cipher(key) == DCO_CIPHER_NONE;
    int len = plain ? (int)DCO_HDR_LEN : (int)DCO_OVERHEAD;

    M_PREPEND(m, len, M_NOWAIT);
    if (m != NULL)
        dco_wire_write_hdr(mtod(m, uint8_t *), dco_key_id(key), dco_peer_tx_id(peer), id);
    return m;
}

/* By a driver that works for itself. The driver reports errors later, so the caller hears of none.
 */
static int
seal_later(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key, struct mbuf *m,
           uint32_t counted)
{
    struct ovpn_job *job = ovpn_job_new(sc, peer, key, m, mtod(m, const uint8_t *));

    if (job == NULL)
        return drop(sc, m, DCO_DROP_TX_NO_BUFFER);
    job->counted = counted;
    ovpn_job_run(job, true, 0, sealed);
    return 0;
}

static int
seal(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key, struct mbuf *m,
     uint32_t counted)
{
    const struct ovpn_sealed packet = {m, 0, mtod(m, const uint8_t *)};

    switch (ovpn_crypt(peer, key, true, &packet)) {
    case 0:
        return finish(sc, peer, m, counted);
    case EINPROGRESS:
        return seal_later(sc, peer, key, m, counted);
    default:
        return drop(sc, m, DCO_DROP_TX_CRYPTO);
    }
}

/* counted: the packet's length in the statistics; 0 for a keepalive, which is in none of them. */
static int
send_with_key(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key, struct mbuf *m,
              uint32_t id, uint32_t counted)
{
    m = prepend_header(m, peer, key, id);
    if (m == NULL)
        return drop(sc, NULL, DCO_DROP_TX_NO_BUFFER);
    if (dco_key_cipher(key) == DCO_CIPHER_NONE)
        return finish(sc, peer, m, counted);
    return seal(sc, peer, key, m, counted);
}

static int
send_to_peer(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m, uint32_t counted)
{
    struct dco_key *key = dco_peer_key_tx(peer);
    uint32_t id;
    unsigned reason;
    bool want_new;

    if (key == NULL)
        return drop(sc, m, DCO_DROP_TX_NO_KEY);
    reason = dco_key_reserve(key, 1, dco_key_cost((size_t)m->m_pkthdr.len), &id, &want_new);
    if (want_new)
        dco_peers_want_key(dco_peer_set(peer), peer);
    if (reason != DCO_DROP_NONE)
        return drop(sc, m, reason);
    return send_with_key(sc, peer, key, m, id, counted);
}

void
ovpn_send_keepalive(struct ovpn_softc *sc, struct dco_peer *peer)
{
    struct mbuf *m = m_gethdr(M_NOWAIT, MT_DATA);

    NET_EPOCH_ASSERT();
    if (m == NULL) {
        (void)ovpn_drop(sc, NULL, DCO_DROP_TX_NO_BUFFER);
        return;
    }
    M_ALIGN(m, DCO_KEEPALIVE_LEN);
    m->m_len = m->m_pkthdr.len = DCO_KEEPALIVE_LEN;
    memcpy(mtod(m, void *), dco_keepalive_payload, DCO_KEEPALIVE_LEN);
    (void)send_to_peer(sc, peer, m, 0);
}

/* For pf's route-to there is no route, and dst is the next hop. Otherwise dst comes from the
 * routing table: with openvpn's subnet route it is always the first client, so the packet's own
 * destination decides. */
static const struct dco_ip *
destination(const struct dco_inner *inner, const struct sockaddr *dst, const struct route *ro,
            struct dco_ip *hop)
{
    return ro == NULL && dst != NULL && ovpn_addr_ip(dst, hop) ? hop : &inner->dst;
}

static struct dco_peer *
choose_peer(struct ovpn_softc *sc, struct mbuf *m, const struct dco_ip *dst)
{
    const struct dco_peers *set = dco_load_acquire(&sc->active);
    struct dco_peer *peer;

    peer = set != NULL ? ovpn_route_peer(set, dst, M_GETFIB(m), NULL) : NULL;
    if (dst->family == 4)
        SDT_PROBE2(if_ovpn, tx, route, ip4, dst->addr, peer);
    else
        SDT_PROBE2(if_ovpn, tx, route, ip6, dst->addr, peer);
    return peer;
}

/* True if the packet is a datagram of this tunnel to that peer, so the route to the peer leads into
 * its own tunnel. A datagram of another host's tunnel to the same port is not meant. */
static bool
is_own_transport(struct ovpn_softc *sc, struct dco_peer *peer, const struct dco_inner *inner,
                 const struct ports *ports)
{
    struct dco_path path;

    if (ports->from != dco_load(&sc->port))
        return false;
    dco_peer_path(peer, &path);
    if (ports->to != path.remote.port || !dco_ip_equal(&inner->dst, &path.remote.ip))
        return false;
    return path.local.family != 0 ? dco_ip_equal(&inner->src, &path.local)
                                  : ovpn_route_is_local(&inner->src, 0);
}

static void
say_loop(struct ovpn_softc *sc)
{
    if (ovpn_may_say(&sc->loop_said_ns))
        if_printf(sc->ifp, "packets to a peer are dropped, because the route to the peer leads "
                           "through this interface; give the peer's address another route\n");
}

/* Counts the tunnels that a datagram has entered. */
static unsigned
check_nesting(struct ovpn_softc *sc, struct mbuf *m)
{
    switch (if_tunnel_check_nesting(sc->ifp, m, MTAG_LOOP, MAX_NESTED)) {
    case 0:
        return DCO_DROP_NONE;
    case ENOMEM:
        return DCO_DROP_TX_NO_BUFFER;
    default:
        return OVPN_DROP_TX_LOOP;
    }
}

/* Tunnels whose routes lead into each other would send a packet round until it is too large. The
 * count needs memory, so only what may be the datagram of a tunnel is counted: the port it is from
 * is a tunnel's, or it is a fragment. A loop through something that hides such a datagram ends at
 * the limit of the stack. */
static unsigned
check_loop(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m,
           const struct dco_inner *inner)
{
    struct ports ports;

    if (inner->fragment)
        return check_nesting(sc, m);
    if (inner->protocol != DCO_PROTO_UDP || inner->l4 == 0 ||
        inner->total < inner->l4 + sizeof(ports))
        return DCO_DROP_NONE;
    m_copydata(m, inner->l4, sizeof(ports), (caddr_t)&ports);
    if (!ovpn_sock_is_tunnel_port(ports.from))
        return DCO_DROP_NONE;
    if (!is_own_transport(sc, peer, inner, &ports))
        return check_nesting(sc, m);
    say_loop(sc);
    return OVPN_DROP_TX_LOOP;
}

static int
output_ip(struct ovpn_softc *sc, struct mbuf *m, const struct sockaddr *dst, const struct route *ro)
{
    struct dco_inner inner;
    struct dco_peer *peer;
    struct dco_ip hop;
    unsigned reason;

    m = ovpn_inner_parse(m, &inner);
    if (m == NULL)
        return drop(sc, NULL, DCO_DROP_TX_NO_BUFFER);
    if (inner.version == 0)
        return drop(sc, m, DCO_DROP_TX_NOT_IP);
    peer = choose_peer(sc, m, destination(&inner, dst, ro, &hop));
    if (peer == NULL)
        return drop(sc, m, DCO_DROP_TX_NO_PEER);
    reason = check_loop(sc, peer, m, &inner);
    if (reason != DCO_DROP_NONE)
        return drop(sc, m, reason);
    m = ovpn_mss_clamp(sc, peer, m, &inner);
    if (m == NULL)
        return drop(sc, NULL, DCO_DROP_TX_NO_BUFFER);
    ovpn_inner_tap(sc->ifp, m, &inner);
    return send_to_peer(sc, peer, m, (uint32_t)m->m_pkthdr.len);
}

int
ovpn_output(struct ifnet *ifp, struct mbuf *m, const struct sockaddr *dst, struct route *ro)
{
    struct ovpn_softc *sc = dco_load_acquire((struct ovpn_softc **)&ifp->if_softc);

    NET_EPOCH_ASSERT();
    if (sc == NULL) {
        m_freem(m);
        return ENXIO;
    }
    SDT_PROBE1(if_ovpn, tx, transmit, start, m);
    if (ifp->if_link_state != LINK_STATE_UP)
        return drop(sc, m, OVPN_DROP_TX_DOWN);
    if (ovpn_stack_exceeds(3)) /* the last quarter is for what comes after the last tunnel */
        return drop(sc, m, OVPN_DROP_TX_LOOP);
    if (m->m_pkthdr.len > OVPN_INNER_MAX)
        return drop(sc, m, DCO_DROP_TX_TOO_BIG);
    m = ovpn_mbuf_own(m);
    if (m == NULL)
        return drop(sc, NULL, DCO_DROP_TX_NO_BUFFER);
    return output_ip(sc, m, dst, ro);
}

int
ovpn_transmit(struct ifnet *ifp, struct mbuf *m)
{
    return ovpn_output(ifp, m, NULL, NULL);
}
