/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/recursion.h"

#include "core/atomic.h"
#include "core/ip.h"
#include "core/wire.h"
#include "linux/sys/endpoint.h"
#include "linux/sys/log.h"

#define MS        1000000ULL
#define MOVE_NS   (10 * MS)    /* as core/ has it between two moves of a peer */
#define STACK_NS  (1000 * MS)  /* a peer counts as inside so long after its last packet */
#define SILENT_NS (60000 * MS) /* between two lines in the log */

/* The head of a UDP datagram. */
struct datagram {
    struct dco_endpoint to;
    uint16_t from_port; /* network order */
    uint32_t word;      /* the first of the payload, 0 if there is none */
};

static bool
datagram_read(const uint8_t *pkt, const struct dco_inner *inner, struct datagram *d)
{
    uint8_t protocol;
    uint32_t udp = dco_inner_transport(pkt, inner, &protocol);

    if (udp == 0 || protocol != DCO_PROTO_UDP || inner->total < udp + DCO_UDP_HDR)
        return false;
    memset(d, 0, sizeof(*d));
    d->to.ip = inner->dst;
    memcpy(&d->from_port, pkt + udp, sizeof(d->from_port));
    memcpy(&d->to.port, pkt + udp + 2, sizeof(d->to.port));
    if (inner->total >= udp + DCO_UDP_HDR + sizeof(d->word))
        d->word = dco_read32(pkt + udp + DCO_UDP_HDR);
    return true;
}

static uint16_t
port_of(const struct dco_peer *peer)
{
    return ((const struct plane_port *)dco_peer_transport(peer))->way.port;
}

/* Is it from our end to this peer, whose address is the destination? */
static bool
is_ours(const struct datagram *d, const struct dco_peer *peer)
{
    uint32_t tx_id = dco_peer_tx_id(peer);
    uint32_t data = (uint32_t)DCO_OPCODE_DATA_V2 << 27 | tx_id;

    return d->from_port == port_of(peer) ||
           (tx_id != DCO_PEER_ID_UNDEF && (d->word & ~(DCO_KEY_ID_MAX << 24)) == data);
}

static bool
once_in_a_while(uint64_t *said_ns, uint64_t now)
{
    uint64_t last = dco_load(said_ns);

    return (last == 0 || now >= last + SILENT_NS) && dco_cas(said_ns, &last, now);
}

static void
say_found(struct plane_dev *dev, const struct dco_endpoint *to, uint64_t now)
{
    char text[ENDPOINT_TEXT_LEN];

    if (!once_in_a_while(&dev->recursion_said_ns, now))
        return;
    endpoint_text(to, text);
    log_line(
        LOG_LEVEL_WARN,
        "%s: packets to the peer at %s came back into the tunnel and are dropped: the route to "
        "the peer leads through the tunnel itself; give this host a route to it that does not",
        dev->name, text);
}

/* A packet to `inside` came back and would be carried by carrier. It proves that the one is behind
 * the other; the carrier must not be behind anybody. */
static bool
too_high(struct dco_peer *inside, struct dco_peer *carrier, uint64_t now)
{
    uint64_t carrier_ns = dco_load(&dco_peer_platform(carrier)->inside_ns);

    dco_store(&dco_peer_platform(inside)->inside_ns, now);
    return carrier_ns != 0 && now < carrier_ns + STACK_NS;
}

static bool
is_recursion(struct plane_dev *dev, struct dco_peer *carrier, const struct datagram *d,
             uint64_t now)
{
    struct dco_peer *peer;
    struct dco_path path;

    dco_peer_path(carrier, &path);
    if (dco_endpoint_equal(&path.remote, &d->to))
        return is_ours(d, carrier);
    if (dev->mode == DCO_MODE_P2P)
        return false;
    peer = dco_peers_by_remote(dev->peers, &d->to);
    return peer != NULL && is_ours(d, peer) && too_high(peer, carrier, now);
}

bool
recursion_found(struct plane_dev *dev, struct dco_peer *carrier, const uint8_t *pkt,
                const struct dco_inner *inner, uint64_t now)
{
    struct datagram d;

    if (!datagram_read(pkt, inner, &d) ||
        (d.from_port != port_of(carrier) && d.word >> 27 != DCO_OPCODE_DATA_V2) ||
        !is_recursion(dev, carrier, &d, now))
        return false;
    say_found(dev, &d.to, now);
    return true;
}

/* Moves */

static bool
may_ask(struct dco_peer *peer, uint64_t now)
{
    uint64_t *move_ns = &dco_peer_platform(peer)->move_ns;
    uint64_t last = dco_load(move_ns);

    return (last == 0 || now >= last + MOVE_NS) && dco_cas(move_ns, &last, now);
}

/* As the kernel will choose when we send there. */
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
say_stays(struct plane_dev *dev, const struct dco_peer *peer, const struct dco_path *from,
          const struct dco_path *to, uint64_t now)
{
    char was[ENDPOINT_TEXT_LEN], is[ENDPOINT_TEXT_LEN];

    if (!once_in_a_while(&dev->move_said_ns, now))
        return;
    endpoint_text(&from->remote, was);
    endpoint_text(&to->remote, is);
    log_line(LOG_LEVEL_WARN,
             "%s: peer %u sent from %s, but the route there leads through the tunnel itself: the "
             "peer stays at %s",
             dev->name, dco_peer_id(peer), is, was);
}

/* Without an answer it may: then only the other guard is left. */
bool
recursion_may_move(struct fib *fib, struct plane_dev *dev, const struct plane_port *port,
                   struct dco_peer *peer, const struct dco_path *from, const struct dco_path *to,
                   uint64_t now)
{
    struct fib_flow flow;

    if (dco_endpoint_equal(&from->remote, &to->remote))
        return true;
    if (!may_ask(peer, now))
        return false;
    flow = flow_to(port, from, to);
    if (fib_leads_to(fib, &flow, dev->ifindex) != FIB_DEVICE)
        return true;
    say_stays(dev, peer, from, to, now);
    return false;
}
