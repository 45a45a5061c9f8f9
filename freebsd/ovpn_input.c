/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unless crypto finishes in another thread, a packet passes through this file and the network stack
 * in one chain of calls, which must not exceed the kernel's stack.
 */
#include "ovpn_input.h"

#include <net/netisr.h>

#include "ovpn_addr.h"
#include "ovpn_clock.h"
#include "ovpn_inet.h"
#include "ovpn_inet6.h"
#include "ovpn_inner.h"
#include "ovpn_ioctl.h"
#include "ovpn_job.h"
#include "ovpn_mbuf.h"
#include "ovpn_mss.h"
#include "ovpn_route.h"
#include "ovpn_stack.h"
#include "ovpn_sysctl.h"
#include "ovpn_udp.h"

#include "../core/occ.h"

#define MTAG_NESTED 0x6f76706f /* how many tunnels a datagram has come out of: uint32_t */
#define MAX_NESTED  3          /* as for packets that are sent */

/* Authentic and decrypted */

/* *moves: whether the peer is now where the packet came from. Without replay protection nothing is
 * refused, and still only the newest packet moves its peer. */
static unsigned
check_replay(struct dco_peer *peer, struct dco_key *key, uint32_t packet_id, uint64_t now_ns,
             bool *moves)
{
    enum dco_drop reason = DCO_DROP_NONE;

    *moves = dco_peer_accept(peer, key, &packet_id, &reason, 1, now_ns) == 0;
    return V_ovpn_replay_protection ? reason : DCO_DROP_NONE;
}

/* The local address is learned only for peers that were given one (multihome): the others leave
 * the choice to the routing table, which stays right when an address of ours goes. An IPv6 datagram
 * cannot leave it to anybody: it needs a source before it can be checksummed. */
static void
learn_path(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_path *seen, uint64_t now_ns)
{
    struct dco_path stored;

    dco_peer_path(peer, &stored);
    if (stored.local.family == 0 && seen->remote.ip.family == 4)
        memset(&seen->local, 0, sizeof(seen->local));
    if (memcmp(&stored, seen, sizeof(stored)) != 0 && ovpn_route_vet(sc, &stored, seen))
        (void)dco_peers_seen_from(dco_peer_set(peer), peer, seen, now_ns);
}

/* netisr keeps packets with the same flow id in order and spreads others over its threads. The flow
 * of a fragment is its addresses, because it has no ports. */
static void
set_flow(struct ovpn_softc *sc, struct mbuf *m, const struct dco_inner *inner)
{
    struct {
        struct dco_ip src, dst;
        uint32_t ports;
    } flow = {inner->src, inner->dst, 0};

    if (inner->l4 != 0 && inner->total >= inner->l4 + sizeof(flow.ports) &&
        (inner->protocol == DCO_PROTO_TCP || inner->protocol == DCO_PROTO_UDP))
        m_copydata(m, inner->l4, sizeof(flow.ports), (caddr_t)&flow.ports);
    m->m_pkthdr.flowid = (uint32_t)dco_siphash(&sc->secret, &flow, sizeof(flow));
    M_HASHTYPE_SET(m, M_HASHTYPE_OPAQUE_HASH);
}

/* The tunnel has authenticated every byte, so the stack need not verify the checksums inside. A
 * peer that sends wrong ones misleads nobody: it could as well have sent other bytes. */
static void
trust_checksums(struct mbuf *m)
{
    m->m_pkthdr.csum_flags = CSUM_IP_CHECKED | CSUM_IP_VALID | CSUM_DATA_VALID | CSUM_PSEUDO_HDR;
    m->m_pkthdr.csum_data = 0xffff;
}

/* At least half of the stack is left to what follows, which may be the way of a forwarded packet
 * out through other tunnels. If callers have used more, netisr continues on an empty stack. Returns
 * 0, or an errno if the network stack has dropped the packet. */
static int
deliver(struct ovpn_softc *sc, struct mbuf *m, const struct dco_inner *inner)
{
    u_int proto = inner->version == 4 ? NETISR_IP : NETISR_IPV6;

    m->m_pkthdr.rcvif = sc->ifp;
    M_SETFIB(m, sc->ifp->if_fib);
    if (V_ovpn_trust_checksums)
        trust_checksums(m);
    ovpn_inner_tap(sc->ifp, m, inner);
    if (!V_ovpn_netisr_queue && !ovpn_stack_exceeds(2))
        return netisr_dispatch(proto, m);
    set_flow(sc, m, inner);
    return netisr_queue(proto, m);
}

static void
count_received(struct ovpn_softc *sc, struct dco_peer *peer, uint32_t len)
{
    dco_peer_count(peer, DCO_VPN_RX, 1, len);
    if_inc_counter(sc->ifp, IFCOUNTER_IPACKETS, 1);
    if_inc_counter(sc->ifp, IFCOUNTER_IBYTES, len);
}

static bool
source_ok(struct ovpn_softc *sc, struct dco_peer *peer, const struct dco_ip *src)
{
    const struct dco_peers *set = dco_peer_set(peer);

    return dco_peers_mode(set) == DCO_MODE_P2P ||
           ovpn_route_peer(set, src, sc->ifp->if_fib, sc->ifp) == peer;
}

/* What is no IP packet: a message of an openvpn without offload, or a fault. Of the messages only
 * the one that the peer leaves has an effect. */
static void
input_other(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m)
{
    uint8_t hdr[DCO_OCC_HDR_LEN];
    int op = DCO_OCC_NONE;

    if (m->m_pkthdr.len >= (int)sizeof(hdr)) {
        m_copydata(m, 0, sizeof(hdr), (caddr_t)hdr);
        op = dco_occ_parse(hdr, sizeof(hdr));
    }
    if (op == DCO_OCC_EXIT && dco_control_peer_leaves(dco_peer_set(peer), peer))
        m_freem(m);
    else
        (void)ovpn_drop(sc, m, op == DCO_OCC_NONE ? DCO_DROP_RX_NOT_IP : DCO_DROP_RX_OCC);
}

static void
input_ip(struct ovpn_softc *sc, struct dco_peer *peer, struct mbuf *m)
{
    uint32_t len = (uint32_t)m->m_pkthdr.len;
    struct dco_inner inner;

    m = ovpn_inner_parse(m, &inner);
    if (m == NULL)
        goto no_memory;
    if (inner.version == 0) {
        input_other(sc, peer, m);
        return;
    }
    if (!source_ok(sc, peer, &inner.src)) {
        (void)ovpn_drop(sc, m, DCO_DROP_RX_SOURCE);
        return;
    }
    m = ovpn_mss_clamp(sc, peer, m, &inner);
    if (m == NULL)
        goto no_memory;
    if (deliver(sc, m, &inner) == 0)
        count_received(sc, peer, len);
    else
        (void)ovpn_drop(sc, NULL, OVPN_DROP_RX_QUEUE);
    return;
no_memory:
    (void)ovpn_drop(sc, NULL, OVPN_DROP_RX_NO_BUFFER);
}

static bool
is_keepalive(struct mbuf *m)
{
    uint8_t payload[DCO_KEEPALIVE_LEN];

    if (m->m_pkthdr.len != (int)sizeof(payload))
        return false;
    m_copydata(m, 0, sizeof(payload), (caddr_t)payload);
    return dco_wire_is_keepalive(payload, sizeof(payload));
}

/* Tags and flags of the outer packet do not apply to the inner one. */
static void
strip_outer(struct mbuf *m, int len)
{
    m_adj_decap(m, len);
    m_tag_delete_nonpersistent(m);
    m_clrprotoflags(m);
    m->m_flags &= ~(M_BCAST | M_MCAST | M_VLANTAG);
    m->m_pkthdr.csum_flags = 0;
}

struct opened {
    struct dco_peer *peer;
    struct dco_key *key;
    struct dco_path *path;
    uint32_t packet_id;
};

/* m: the inner packet, outer headers stripped. */
static void
received(struct ovpn_softc *sc, struct mbuf *m, const struct opened *o)
{
    struct dco_peer *peer = o->peer;
    uint64_t now_ns = ovpn_now_ns();
    unsigned reason;
    bool moves;

    reason = check_replay(peer, o->key, o->packet_id, now_ns, &moves);
    if (reason != DCO_DROP_NONE) {
        (void)ovpn_drop(sc, m, reason);
        return;
    }
    dco_peer_received(peer, now_ns);
    if (dco_key_opened(o->key, dco_key_cost((size_t)m->m_pkthdr.len)))
        dco_peers_want_key(dco_peer_set(peer), peer);
    if (moves)
        learn_path(sc, peer, o->path, now_ns);
    if (is_keepalive(m))
        m_freem(m);
    else
        input_ip(sc, peer, m);
}

static void
failed(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key, struct mbuf *m, int error)
{
    if (error != EBADMSG) {
        (void)ovpn_drop(sc, m, OVPN_DROP_RX_CRYPTO);
        return;
    }
    if (dco_key_failed(key, 1))
        dco_peers_want_key(dco_peer_set(peer), peer);
    (void)ovpn_drop(sc, m, DCO_DROP_RX_AUTH);
}

static void
finish(struct ovpn_job *job)
{
    struct opened o = {job->peer, job->key, &job->path, job->packet_id};
    int error;

    CURVNET_SET(job->sc->ifp->if_vnet);
    error = ovpn_job_result(job);
    if (error != 0) {
        failed(job->sc, job->peer, job->key, job->m, error);
    } else {
        strip_outer(job->m, (int)job->outer_len);
        received(job->sc, job->m, &o);
    }
    CURVNET_RESTORE();
}

static int
opened(struct cryptop *crp)
{
    struct ovpn_job *job = crp->crp_opaque;
    struct epoch_tracker et;

    NET_EPOCH_ENTER(et);
    if (ovpn_job_is_late(job)) {
        (void)ovpn_job_result(job);
        (void)ovpn_drop(job->sc, job->m, DCO_DROP_RX_NO_PEER);
    } else {
        finish(job);
    }
    ovpn_job_free(job);
    NET_EPOCH_EXIT(et);
    return 0;
}

/* As it came */

/* The address the datagram was sent to, from its IP header. Family 0 for a broadcast or multicast
 * address, from which we cannot answer. */
static void
local_of(const struct mbuf *m, uint8_t family, struct dco_ip *local)
{
    bool unicast = (m->m_flags & (M_BCAST | M_MCAST)) == 0;

    if (unicast && family == 4)
        ovpn_inet_dst(m, local);
    else if (unicast && family == 6)
        ovpn_inet6_dst(m, local);
    else
        memset(local, 0, sizeof(*local));
}

static void
path_of(const struct mbuf *m, const struct sockaddr *from, struct dco_path *path)
{
    ovpn_addr_endpoint(from, &path->remote);
    local_of(m, path->remote.ip.family, &path->local);
}

/* A datagram with a data packet. */
struct arrival {
    struct mbuf *m;
    int data; /* the offset of the data packet in m */
    const struct sockaddr *from;
    uint8_t head[DCO_HDR_LEN]; /* the beginning of the data packet */
    struct dco_wire_hdr hdr;   /* what it says */
};

/* outer_len: bytes before the inner packet. */
static void
input_opened(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key,
             const struct arrival *a, int outer_len)
{
    struct dco_path path;
    struct opened o = {peer, key, &path, a->hdr.packet_id};

    path_of(a->m, a->from, &path);
    strip_outer(a->m, outer_len);
    received(sc, a->m, &o);
}

/* By a driver that works for itself. */
static void
open_later(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key,
           const struct arrival *a)
{
    struct ovpn_job *job = ovpn_job_new(sc, peer, key, a->m, a->head);

    if (job == NULL) {
        (void)ovpn_drop(sc, a->m, OVPN_DROP_RX_NO_BUFFER);
        return;
    }
    job->packet_id = a->hdr.packet_id;
    job->outer_len = (uint32_t)a->data + DCO_OVERHEAD;
    path_of(a->m, a->from, &job->path);
    ovpn_job_run(job, false, a->data, opened);
}

static void
open_sealed(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key,
            const struct arrival *a)
{
    const struct ovpn_sealed packet = {a->m, a->data, a->head};
    int error = ovpn_crypt(peer, key, false, &packet);

    if (error == 0)
        input_opened(sc, peer, key, a, a->data + (int)DCO_OVERHEAD);
    else if (error == EINPROGRESS)
        open_later(sc, peer, key, a);
    else
        failed(sc, peer, key, a->m, error);
}

/* With cipher none the header is followed by plain text. With another one, an empty payload is
 * dropped first, because the crypto framework asserts that a payload begins before the end of the
 * buffer. */
static void
input_data(struct ovpn_softc *sc, struct dco_peer *peer, struct dco_key *key, struct arrival *a)
{
    bool plain = dco_key_cipher(key) == DCO_CIPHER_NONE;

    if (!plain && a->m->m_pkthdr.len - a->data == (int)DCO_OVERHEAD) {
        (void)ovpn_drop(sc, a->m, DCO_DROP_RX_EMPTY);
        return;
    }
    a->m = ovpn_mbuf_own(a->m);
    if (a->m == NULL)
        (void)ovpn_drop(sc, NULL, OVPN_DROP_RX_NO_BUFFER);
    else if (plain)
        input_opened(sc, peer, key, a, a->data + (int)DCO_HDR_LEN);
    else
        open_sealed(sc, peer, key, a);
}

static struct dco_peer *
find_peer(const struct dco_peers *set, uint32_t id, const struct sockaddr *from)
{
    struct dco_endpoint remote;

    if (id != DCO_PEER_ID_UNDEF)
        return dco_peers_by_id(set, id);
    ovpn_addr_endpoint(from, &remote);
    return dco_peers_by_remote(set, &remote);
}

/* A datagram that came out of a tunnel may be data of another tunnel, up to MAX_NESTED times. It
 * cannot be data of the same tunnel: an answer could not leave (see ovpn_output.c), and no peer has
 * an address inside its own tunnel. The count is a tag of the packet, so it also counts when netisr
 * continues in another thread. */
static unsigned
check_nesting(const struct ovpn_softc *sc, struct mbuf *m)
{
    const struct ifnet *from = m->m_pkthdr.rcvif;
    struct m_tag *tag;
    uint32_t *nested;

    if (from == NULL || from->if_ioctl != ovpn_ioctl)
        return DCO_DROP_NONE;
    if (from == sc->ifp)
        return OVPN_DROP_RX_LOOP;
    tag = m_tag_locate(m, MTAG_NESTED, MTAG_PERSISTENT, NULL);
    if (tag == NULL) {
        tag = m_tag_alloc(MTAG_NESTED, MTAG_PERSISTENT, sizeof(*nested), M_NOWAIT);
        if (tag == NULL)
            return OVPN_DROP_RX_NO_BUFFER;
        *(uint32_t *)(tag + 1) = 0;
        m_tag_prepend(m, tag);
    }
    nested = (uint32_t *)(tag + 1);
    return ++*nested > MAX_NESTED ? OVPN_DROP_RX_LOOP : DCO_DROP_NONE;
}

static void
input_peer(struct ovpn_softc *sc, struct arrival *a)
{
    const struct dco_peers *set = dco_load_acquire(&sc->active);
    struct dco_peer *peer;
    struct dco_key *key;
    unsigned reason;

    peer = set != NULL ? find_peer(set, a->hdr.peer_id, a->from) : NULL;
    key = peer != NULL ? dco_peer_key_rx(peer, a->hdr.key_id) : NULL;
    if (key != NULL && dco_key_may_open(key)) {
        input_data(sc, peer, key, a);
        return;
    }
    reason = key != NULL ? DCO_DROP_RX_KEY_LIMIT : DCO_DROP_RX_NO_KEY;
    (void)ovpn_drop(sc, a->m, peer != NULL ? reason : DCO_DROP_RX_NO_PEER);
}

static void
input(struct ovpn_softc *sc, struct arrival *a)
{
    unsigned reason = check_nesting(sc, a->m);

    if (reason == DCO_DROP_NONE)
        input_peer(sc, a);
    else
        (void)ovpn_drop(sc, a->m, reason);
}

/* False leaves m to the socket, that is to openvpn. */
bool
ovpn_udp_input(struct mbuf *m, int off, struct inpcb *inp __unused, const struct sockaddr *from,
               void *ctx)
{
    struct ovpn_softc *sc = ctx;
    struct arrival a = {.m = m, .data = off + OVPN_UDP_LEN, .from = from};
    int len = m->m_pkthdr.len - a.data;

    NET_EPOCH_ASSERT();
    if (sc == NULL) /* the hook is being removed: see ovpn_sock.c */
        return false;
    ovpn_count(&sc->counters, OVPN_TRANSPORT_IN, (uint64_t)len + OVPN_UDP_LEN);
    if (len > 0)
        m_copydata(m, a.data, MIN(len, (int)sizeof(a.head)), (caddr_t)a.head);
    switch (dco_wire_parse(a.head, (size_t)MAX(len, 0), &a.hdr)) {
    case DCO_WIRE_DATA:
        input(sc, &a);
        return true;
    case DCO_WIRE_DATA_V1:
        (void)ovpn_drop(sc, m, DCO_DROP_RX_DATA_V1);
        return true;
    case DCO_WIRE_SHORT:
        (void)ovpn_drop(sc, m, DCO_DROP_RX_SHORT);
        return true;
    default:
        ovpn_count(&sc->counters, OVPN_CTRL_IN, 1);
        return false;
    }
}
