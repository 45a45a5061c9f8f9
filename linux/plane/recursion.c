/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/recursion.h"

#include "core/atomic.h"
#include "core/ip.h"
#include "core/wire.h"
#include "linux/plane/stream_private.h"
#include "linux/sys/endpoint.h"
#include "linux/sys/log.h"

#define MS        1000000ULL
#define MOVE_NS   (10 * MS)    /* between two moves of a peer, as in core/ */
#define STACK_NS  (1000 * MS)  /* after its last packet a peer counts as inside for so long */
#define SILENT_NS (60000 * MS) /* between two log lines */

/* The addresses of a UDP datagram or a TCP segment. */
struct datagram {
    struct dco_endpoint to;
    uint16_t from_port; /* network order */
    bool tcp;
    uint32_t word; /* UDP: first 4 bytes of the payload, 0 if it is shorter */
};

static bool
datagram_read(const uint8_t *pkt, const struct dco_inner *inner, struct datagram *d)
{
    uint8_t protocol;
    uint32_t udp = dco_inner_transport(pkt, inner, &protocol);

    if (udp == 0 || (protocol != DCO_PROTO_UDP && protocol != DCO_PROTO_TCP) ||
        inner->total < udp + DCO_UDP_HDR)
        return false;
    memset(d, 0, sizeof(*d));
    d->tcp = protocol == DCO_PROTO_TCP; /* whose header begins with the ports, too */
    d->to.ip = inner->dst;
    memcpy(&d->from_port, pkt + udp, sizeof(d->from_port));
    memcpy(&d->to.port, pkt + udp + 2, sizeof(d->to.port));
    if (!d->tcp && inner->total >= udp + DCO_UDP_HDR + sizeof(d->word))
        d->word = dco_read32(pkt + udp + DCO_UDP_HDR);
    return true;
}

static uint16_t
port_of(const struct dco_peer *peer)
{
    return ((const struct plane_port *)dco_peer_transport(peer))->way.port;
}

/* d goes to the address of peer. True if our end of the tunnel sent it. */
static bool
is_ours(const struct datagram *d, const struct dco_peer *peer)
{
    uint32_t tx_id = dco_peer_tx_id(peer);
    uint32_t data = (uint32_t)DCO_OPCODE_DATA_V2 << 27 | tx_id;

    return d->from_port == port_of(peer) ||
           (tx_id != DCO_PEER_ID_UNDEF && (d->word & ~(DCO_KEY_ID_MAX << 24)) == data);
}

/* d is of the connection over which the peer is reached. */
static bool
is_connection(const struct datagram *d, const struct dco_peer *peer)
{
    const struct stream *s = stream_of_peer(peer);

    return s != NULL && d->from_port == s->port.way.port && dco_endpoint_equal(&s->remote, &d->to);
}

static bool
may_log(uint64_t *said_ns, uint64_t now_ns)
{
    uint64_t last_ns = dco_load(said_ns);

    return (last_ns == 0 || now_ns >= last_ns + SILENT_NS) && dco_cas(said_ns, &last_ns, now_ns);
}

static void
log_found(struct plane_dev *dev, const struct dco_endpoint *to, uint64_t now_ns)
{
    char text[ENDPOINT_TEXT_LEN];

    if (!may_log(&dev->recursion_said_ns, now_ns))
        return;
    endpoint_text(to, text);
    log_line(
        LOG_LEVEL_WARN,
        "%s: packets to the peer at %s came back into the tunnel and are dropped: the route to "
        "the peer leads through the tunnel itself; give this host a route to it that does not",
        dev->name, text);
}

/* A packet to `inside` came back, and carrier would carry it: `inside` is reached through carrier.
 * That is allowed unless carrier itself is reached through another peer. */
static bool
stack_too_high(struct dco_peer *inside, struct dco_peer *carrier, uint64_t now_ns)
{
    uint64_t carrier_ns = dco_load(&dco_peer_platform(carrier)->inside_ns);

    dco_store(&dco_peer_platform(inside)->inside_ns, now_ns);
    return carrier_ns != 0 && now_ns < carrier_ns + STACK_NS;
}

static bool
is_recursion(struct plane_dev *dev, struct dco_peer *carrier, const struct datagram *d,
             uint64_t now_ns)
{
    struct dco_peer *peer;
    struct dco_path path;

    dco_peer_path(carrier, &path);
    if (dco_endpoint_equal(&path.remote, &d->to))
        return is_ours(d, carrier);
    if (dev->mode == DCO_MODE_P2P)
        return false;
    peer = dco_peers_by_remote(dev->peers, &d->to);
    return peer != NULL && is_ours(d, peer) && stack_too_high(peer, carrier, now_ns);
}

bool
recursion_found(struct plane_dev *dev, struct dco_peer *carrier, const uint8_t *pkt,
                const struct dco_inner *inner, uint64_t now_ns)
{
    struct datagram d;

    if (dco_load(&dev->allow_recursion) || !datagram_read(pkt, inner, &d) ||
        (d.from_port != port_of(carrier) && d.word >> 27 != DCO_OPCODE_DATA_V2))
        return false;
    if (d.tcp ? !is_connection(&d, carrier) : !is_recursion(dev, carrier, &d, now_ns))
        return false;
    log_found(dev, &d.to, now_ns);
    return true;
}

/* Moves */

static bool
may_ask(struct dco_peer *peer, uint64_t now_ns)
{
    uint64_t *move_ns = &dco_peer_platform(peer)->move_ns;
    uint64_t last_ns = dco_load(move_ns);

    return (last_ns == 0 || now_ns >= last_ns + MOVE_NS) && dco_cas(move_ns, &last_ns, now_ns);
}

/* The flow of our packets to `to`, so that the kernel gives the route that they would take. */
static struct fib_flow
flow_to(const struct plane_port *port, const struct dco_path *from, const struct dco_path *to)
{
    struct fib_flow flow = {
        .dst = to->remote.ip,
        .src = to->local,
        .oif = port->way.oif != 0 ? port->way.oif : to->remote.scope_id,
        .mark = port->way.mark,
        .uid = port->way.uid,
        .sport = port->way.port,
        .dport = to->remote.port,
        .udp = true,
    };

    if (flow.src.family == 0)
        flow.src = from->local.family == flow.dst.family ? from->local : port->way.local;
    return flow;
}

static void
log_stays(struct plane_dev *dev, const struct dco_peer *peer, const struct dco_path *from,
          const struct dco_path *to, uint64_t now_ns)
{
    char was[ENDPOINT_TEXT_LEN], is[ENDPOINT_TEXT_LEN];

    if (!may_log(&dev->move_said_ns, now_ns))
        return;
    endpoint_text(&from->remote, was);
    endpoint_text(&to->remote, is);
    log_line(LOG_LEVEL_WARN,
             "%s: peer %u sent from %s, but the route there leads through the tunnel itself: the "
             "peer stays at %s",
             dev->name, dco_peer_id(peer), is, was);
}

/* Where the kernel cannot answer, the peer may move; recursion_found() remains as a guard. */
bool
recursion_may_move(struct fib *fib, struct plane_dev *dev, const struct plane_port *port,
                   struct dco_peer *peer, const struct dco_path *from, const struct dco_path *to,
                   uint64_t now_ns)
{
    struct fib_flow flow;

    if (dco_endpoint_equal(&from->remote, &to->remote))
        return true;
    if (!may_ask(peer, now_ns))
        return false;
    flow = flow_to(port, from, to);
    if (fib_leads_to(fib, &flow, dev->ifindex) != FIB_DEVICE)
        return true;
    log_stays(dev, peer, from, to, now_ns);
    return false;
}
