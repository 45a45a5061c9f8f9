/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/rx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linux/plane/control_queue.h"
#include "linux/plane/csum_fast.h"
#include "linux/plane/float_nat.h"
#include "linux/plane/housekeeping.h"
#include "linux/plane/mss.h"
#include "linux/plane/occ.h"
#include "linux/plane/packet_buffer.h"
#include "linux/plane/recursion.h"
#include "linux/plane/stream_rx.h"
#include "linux/plane/train_check.h"
#include "linux/sys/clock.h"
#include "linux/sys/endpoint.h"
#include "linux/sys/kernel_abi.h"

/* The memory behind one message of recvmmsg(). */
struct rx_slot {
    struct iovec iov;
    union {
        char buf[RX_CONTROL_BYTES];
        struct cmsghdr align;
    } control;
};

static void rx_emit(void *arg, struct dco_super *super);

/* Sets the addresses in the slots once; rx_arm() sets the rest before each burst. */
int
rx_init(struct rx *rx, unsigned thread, struct tx *tx)
{
    struct rx_slot *slot = calloc(RX_MSGS, sizeof(*slot));
    int err;

    rx->thread = thread;
    rx->tx = tx;
    rx->fib.fd = -1;
    rx->bufs = packet_buffer_new((size_t)RX_MSGS * RX_BUF_BYTES);
    rx->hdr = calloc(RX_MSGS, sizeof(*rx->hdr));
    rx->coalescer = calloc(1, sizeof(*rx->coalescer));
    rx->slot = slot;
    rx->batch = tun_batch_new();
    if (slot == NULL || rx->batch == NULL || rx->bufs == NULL || rx->hdr == NULL ||
        rx->coalescer == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < RX_MSGS; i++) {
        slot[i].iov.iov_base = rx->bufs + (size_t)i * RX_BUF_BYTES;
        slot[i].iov.iov_len = RX_BUF_BYTES;
    }
    dco_coalescer_init(rx->coalescer, csum_best(), rx_emit, rx, true, true);
    c2c_init(&rx->c2c, tx, &rx->sources);
    err = fib_open(&rx->fib);
    return err < 0 ? err : source_check_init(&rx->sources, &rx->fib);
}

void
rx_fini(struct rx *rx)
{
    packet_buffer_free(rx->bufs, (size_t)RX_MSGS * RX_BUF_BYTES);
    free(rx->hdr);
    free(rx->coalescer);
    tun_batch_free(rx->batch);
    free(rx->slot);
    source_check_fini(&rx->sources);
    fib_close(&rx->fib);
}

/* Towards the TUN */

/* The ports as far as they may tell flows apart. The kernel remembers the queue to which a flow was
 * written last, and queues the packets of the other direction there. Two flows that the kernel
 * takes for one must therefore share a queue, or each would move the other's packets. The kernel
 * uses the ports of TCP and UDP only, and some versions ignore them for IPv6 packets with a flow
 * label. */
static uint32_t
flow_ports(const struct dco_super *super)
{
    const struct dco_inner *inner = &super->inner;
    uint32_t ports = 0;

    if (inner->version == 4 && inner->l4 != 0 &&
        (inner->protocol == DCO_PROTO_TCP || inner->protocol == DCO_PROTO_UDP) &&
        super->piece[0].len >= inner->l4 + sizeof(ports))
        memcpy(&ports, super->piece[0].data + inner->l4, sizeof(ports));
    return ports;
}

/* Chooses one of the worker's queues for this flow. */
static int
rx_queue(const struct rx *rx, const struct dco_super *super)
{
    const struct plane_dev *dev = rx->dev;
    const struct dco_inner *inner = &super->inner;
    uint32_t each = dev->queues / dev->workers;
    uint64_t hash;

    hash = dco_ip_hash(&inner->dst, dco_ip_hash(&inner->src, flow_ports(super) ^ dev->flow_seed));
    return dev->tun[rx->thread + dev->workers * (uint32_t)((hash >> 32) * each >> 32)];
}

static void
rx_emit(void *arg, struct dco_super *super)
{
    struct rx *rx = arg;

    drops_count(rx->drops, DCO_DROP_RX_TUN, tun_batch_add(rx->batch, rx_queue(rx, super), super));
}

/* Most runs come from one inner address, so the last one that passed is remembered. */
static bool
rx_source_ok(struct rx *rx, struct dco_peer *peer, const struct dco_ip *source)
{
    if (dco_ip_equal(&rx->run.source, source))
        return true;
    if (!source_ok(&rx->sources, rx->dev, peer, source))
        return false;
    rx->run.source = *source;
    return true;
}

/* One authentic, fresh inner packet. */
static enum dco_drop
rx_inner(struct rx *rx, struct dco_peer *peer, uint8_t *pkt, uint32_t len, uint64_t now_ns)
{
    struct dco_inner inner;

    if (len == 0)
        return DCO_DROP_RX_EMPTY;
    if (!dco_inner_parse(pkt, len, &inner))
        return DCO_DROP_RX_NOT_IP;
    if (!rx_source_ok(rx, peer, &inner.src))
        return DCO_DROP_RX_SOURCE;
    mss_clamp_for(peer, pkt, inner.total, &inner);
    if (dco_load(&rx->dev->c2c) && c2c_take(&rx->c2c, rx->dev, peer, pkt, &inner, now_ns))
        return DCO_DROP_NONE;
    dco_coalesce_add(rx->coalescer, pkt, inner.total, &inner);
    return DCO_DROP_NONE;
}

/* A run of packets of one key */

/* Sums over the packets of a run. */
struct rx_result {
    uint32_t accepted; /* authentic and fresh; only they are counted for the peer and its key */
    uint32_t failed;   /* not authentic */
    uint64_t link_bytes, cost;
    uint64_t vpn_bytes, vpn_packets;
    int newest; /* index in the run of the packet that may move the peer, or -1 */
};

/* Checks the whole run for replays. The results are in run->verdict. */
static void
run_replay(struct rx *rx, struct rx_run *run, uint64_t now_ns, struct rx_result *res)
{
    for (uint32_t i = 0; i < run->n; i++)
        run->verdict[i] = run->op[i].ok ? DCO_DROP_NONE : DCO_DROP_RX_AUTH;
    res->newest = dco_peer_accept(run->peer, run->key, run->id, run->verdict, run->n, now_ns);
    for (uint32_t i = 0; i < run->n; i++) {
        if (run->verdict[i] != DCO_DROP_NONE) {
            res->failed += !run->op[i].ok;
            drops_count(rx->drops, run->verdict[i], 1);
            continue;
        }
        res->accepted++;
        res->link_bytes += run->op[i].len + DCO_OVERHEAD;
        res->cost += dco_key_cost(run->op[i].len);
    }
}

/* openvpn 2.6 has no float event, so it keeps seeing the peer under its original address
 * (float_nat). Skipped if another peer, or a session that is no peer yet, already owns the new
 * address. Returns true if the new address is translated. */
static bool
run_float_nat(struct rx *rx, struct plane_port *port, const struct dco_peer *peer,
              const struct dco_endpoint *remote, uint64_t now_ns)
{
    if (rx->dev->floats_told)
        return false;
    if (dco_peers_by_remote(rx->dev->peers, remote) == peer)
        return float_nat_move(port->float_nat, dco_peer_id(peer), dco_peer_origin(peer), remote,
                              now_ns);
    float_nat_forget(port->float_nat, dco_peer_id(peer));
    return false;
}

/* Only the newest packet of the newest key moves the peer; dco_peer_accept() chose it. */
static void
run_float(struct rx *rx, struct plane_port *port, struct rx_run *run, int newest, uint64_t now_ns)
{
    struct dco_peer_platform *platform = dco_peer_platform(run->peer);
    struct rx_msg *m = &rx->msg[run->msg[newest]];
    struct dco_path old;

    dco_peer_path(run->peer, &old);
    if (memcmp(&old, &m->path, sizeof(old)) == 0)
        return;
    if (!recursion_may_move(&rx->fib, rx->dev, port, run->peer, &old, &m->path, now_ns))
        return;
    if (!dco_peers_seen_from(rx->dev->peers, run->peer, &m->path, now_ns))
        return;
    run_float_nat(rx, port, run->peer, &m->path.remote, now_ns);
    dco_store(&platform->path_mtu, 0);
    dco_store(&platform->gso_refused, 0U);
    dco_store(&platform->gso_off_ns, 0ULL);
    dco_store(&platform->trains_off_ns, 0ULL);
    housekeeping_wake();
}

static void
run_deliver(struct rx *rx, struct rx_run *run, uint64_t now_ns, struct rx_result *res)
{
    run->source.family = 0;
    for (uint32_t i = 0; i < run->n; i++) {
        struct aead_op *op = &run->op[i];
        uint8_t *inner = op->pkt + DCO_OVERHEAD;
        enum dco_drop drop;

        if (run->verdict[i] != DCO_DROP_NONE || dco_wire_is_keepalive(inner, op->len))
            continue;
        drop = rx_inner(rx, run->peer, inner, op->len, now_ns);
        if (drop == DCO_DROP_RX_NOT_IP &&
            occ_received(rx->tx, rx->dev, run->peer, inner, op->len, now_ns))
            continue;
        if (drop != DCO_DROP_NONE) {
            drops_count(rx->drops, drop, 1);
            continue;
        }
        res->vpn_bytes += op->len;
        res->vpn_packets++;
    }
}

static void
run_account(struct rx *rx, struct rx_run *run, const struct rx_result *res, uint64_t now_ns)
{
    struct dco_peer_platform *platform = dco_peer_platform(run->peer);
    bool want_new = false;

    if (res->failed > 0) {
        want_new |= dco_key_failed(run->key, res->failed);
        train_check_failed(rx, run, now_ns);
    }
    if (res->accepted > 0) {
        dco_peer_received(run->peer, now_ns);
        dco_store(&platform->answers, dco_load(&platform->answers) + res->accepted);
        dco_peer_count(run->peer, DCO_LINK_RX, res->accepted, res->link_bytes);
        want_new |= dco_key_opened(run->key, res->cost);
    }
    if (want_new)
        dco_peers_want_key(rx->dev->peers, run->peer);
    if (res->vpn_packets == 0)
        return;
    dco_peer_count(run->peer, DCO_VPN_RX, res->vpn_packets, res->vpn_bytes);
}

static void
run_flush(struct rx *rx, struct plane_port *port, uint64_t now_ns)
{
    struct rx_run *run = &rx->run;
    struct rx_result res = {.newest = -1};

    if (run->n == 0)
        return;
    if (!dco_key_may_open(run->key)) {
        drops_count(rx->drops, DCO_DROP_RX_KEY_LIMIT, run->n);
    } else {
        aead_open(dco_key_crypto(run->key), rx->thread, run->op, run->n);
        run_replay(rx, run, now_ns, &res);
        if (res.newest >= 0)
            run_float(rx, port, run, res.newest, now_ns);
        run_deliver(rx, run, now_ns, &res);
        run_account(rx, run, &res, now_ns);
    }
    run->n = 0;
}

/* Classification */

/* A stream belongs to one peer, and a peer with a stream has no other way. */
static struct dco_peer *
rx_find_peer(const struct plane_dev *dev, const struct plane_port *port, const struct rx_msg *m,
             uint32_t id)
{
    const struct plane_port *its;
    struct dco_peer *peer;

    if (id == DCO_PEER_ID_UNDEF && port->stream == NULL)
        return dco_peers_by_remote(dev->peers, &m->path.remote);
    if (id == DCO_PEER_ID_UNDEF)
        id = port->stream->peer_id;
    peer = dco_peers_by_id(dev->peers, id);
    its = peer != NULL ? dco_peer_transport(peer) : port;
    return its->stream == port->stream ? peer : NULL;
}

/* openvpn without --float discards packets from any address but the peer's, and so does this. */
static bool
rx_address_ok(const struct plane_dev *dev, struct rx_msg *m, const struct dco_peer *peer)
{
    struct dco_path path;

    if (!dev->fixed || m->at == peer)
        return true;
    dco_peer_path(peer, &path);
    if (!dco_endpoint_equal(&path.remote, &m->path.remote))
        return false;
    m->at = peer;
    return true;
}

/* Adds a data packet to the run of its key; the first of another key flushes the run. */
static void
rx_data(struct rx *rx, struct plane_port *port, unsigned msg, uint8_t *pkt, uint32_t len,
        const struct dco_wire_hdr *hdr, uint64_t now_ns)
{
    struct rx_run *run = &rx->run;
    struct dco_peer *peer = run->peer;
    struct dco_key *key;

    if (run->n == 0 || run->peer_id != hdr->peer_id)
        peer = rx_find_peer(rx->dev, port, &rx->msg[msg], hdr->peer_id);
    if (peer == NULL) {
        drops_count(rx->drops, DCO_DROP_RX_NO_PEER, 1);
        return;
    }
    if (!rx_address_ok(rx->dev, &rx->msg[msg], peer)) {
        drops_count(rx->drops, DCO_DROP_RX_ADDRESS, 1);
        return;
    }
    if (run->n > 0 && peer == run->peer && run->key_id == hdr->key_id)
        key = run->key;
    else
        key = dco_peer_key_rx(peer, hdr->key_id);
    if (key == NULL) {
        drops_count(rx->drops, DCO_DROP_RX_NO_KEY, 1);
        return;
    }
    if (run->n == RX_RUN || (run->n > 0 && key != run->key))
        run_flush(rx, port, now_ns);
    if (run->n == 0) {
        run->peer = peer;
        run->key = key;
        run->peer_id = dco_peer_id(peer);
        run->key_id = hdr->key_id;
    }
    run->op[run->n] = (struct aead_op){.pkt = pkt, .len = len - DCO_OVERHEAD};
    run->id[run->n] = hdr->packet_id;
    run->msg[run->n] = (uint8_t)msg;
    run->n++;
}

/* Replaces the source by the address under which openvpn knows the peer. If a session at the new
 * address prevented the translation when the peer moved, and has ended since, the translation is
 * made now. A hard reset begins a new session, which need not be the peer's. */
static void
rx_name(struct rx *rx, struct plane_port *port, const struct dco_peer *peer,
        struct dco_endpoint *source, const uint8_t *pkt, uint64_t now_ns)
{
    if (float_nat_source(port->float_nat, source) || peer == NULL ||
        dco_endpoint_equal(dco_peer_origin(peer), source) || dco_wire_is_hard_reset(pkt))
        return;
    if (run_float_nat(rx, port, peer, source, now_ns))
        (void)float_nat_source(port->float_nat, source);
}

static void
rx_control(struct rx *rx, struct plane_port *port, struct rx_msg *m, const uint8_t *pkt,
           uint32_t len, uint64_t now_ns)
{
    struct dco_endpoint source = m->path.remote;
    struct sockaddr_storage ss;
    const struct dco_peer *peer = dco_peers_by_remote(rx->dev->peers, &source);

    rx_name(rx, port, peer, &source, pkt, now_ns);
    m->ctrl.source_len = endpoint_to_sockaddr(&source, port->family, &ss);
    memcpy(&m->ctrl.source, &ss, sizeof(m->ctrl.source));
    if (!control_queue_push(port->ctrl, &m->ctrl, pkt, len, peer != NULL))
        drops_count(rx->drops, DCO_DROP_RX_CTRL_QUEUE, 1);
}

static void
rx_packet(struct rx *rx, struct plane_port *port, unsigned msg, uint8_t *pkt, uint32_t len,
          uint64_t now_ns)
{
    struct dco_wire_hdr hdr;

    switch (dco_wire_parse(pkt, len, &hdr)) {
    case DCO_WIRE_DATA:
        rx_data(rx, port, msg, pkt, len, &hdr, now_ns);
        break;
    case DCO_WIRE_CONTROL:
        rx_control(rx, port, &rx->msg[msg], pkt, len, now_ns);
        break;
    case DCO_WIRE_DATA_V1:
        drops_count(rx->drops, DCO_DROP_RX_DATA_V1, 1);
        break;
    case DCO_WIRE_SHORT:
        drops_count(rx->drops, DCO_DROP_RX_SHORT, 1);
        break;
    }
}

/* Receiving */

static void
rx_arm(struct rx *rx)
{
    for (unsigned i = 0; i < RX_MSGS; i++)
        rx->hdr[i].msg_hdr = (struct msghdr){
            .msg_name = &rx->msg[i].source,
            .msg_namelen = sizeof(rx->msg[i].source),
            .msg_iov = &rx->slot[i].iov,
            .msg_iovlen = 1,
            .msg_control = rx->slot[i].control.buf,
            .msg_controllen = sizeof(rx->slot[i].control.buf),
        };
}

/* The packet info of IPv6 holds the destination of the datagram. A multicast address, or the one of
 * a limited broadcast, cannot be the source of an answer. */
static struct dco_ip
rx_local6(const struct in6_addr *to)
{
    struct dco_ip ip = dco_ip_unmap(dco_ip6((const uint8_t *)to));

    if (ip.addr[0] == 0xff || (ip.family == 4 && ip.addr[0] >= 0xe0))
        memset(&ip, 0, sizeof(ip));
    return ip;
}

/* For IPv4 the kernel names the source address for an answer (ipi_spec_dst), which differs from the
 * destination if that was a broadcast or multicast address. */
static void
rx_pktinfo(struct rx_msg *m, const struct cmsghdr *c)
{
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        memcpy(&m->ctrl.pktinfo.in, CMSG_DATA(c), sizeof(m->ctrl.pktinfo.in));
        m->ctrl.has_pktinfo = AF_INET;
        dco_ip_set4(&m->path.local, (const uint8_t *)&m->ctrl.pktinfo.in.ipi_spec_dst);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        memcpy(&m->ctrl.pktinfo.in6, CMSG_DATA(c), sizeof(m->ctrl.pktinfo.in6));
        m->ctrl.has_pktinfo = AF_INET6;
        m->path.local = rx_local6(&m->ctrl.pktinfo.in6.ipi6_addr);
    }
}

/* Fills in the source, local address and segment length of a received train. */
static void
rx_describe(struct rx_msg *m, struct msghdr *hdr, uint32_t len)
{
    memset(&m->path, 0, sizeof(m->path));
    endpoint_from_sockaddr(&m->path.remote, (const struct sockaddr *)&m->source);
    m->ctrl.has_pktinfo = 0;
    m->at = NULL;
    m->seg = len;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int seg;

            memcpy(&seg, CMSG_DATA(c), sizeof(seg));
            if (seg > 0 && (uint32_t)seg < len)
                m->seg = (uint32_t)seg;
        } else {
            rx_pktinfo(m, c);
        }
    }
}

static void
rx_train(struct rx *rx, struct plane_port *port, unsigned msg, uint64_t now_ns)
{
    uint32_t len = rx->hdr[msg].msg_len;
    uint8_t *buf = rx->slot[msg].iov.iov_base;

    rx_describe(&rx->msg[msg], &rx->hdr[msg].msg_hdr, len);
    if (len == 0)
        drops_count(rx->drops, DCO_DROP_RX_SHORT, 1);
    for (uint32_t at = 0; at < len;) {
        uint32_t seg = len - at < rx->msg[msg].seg ? len - at : rx->msg[msg].seg;

        rx_packet(rx, port, msg, buf + at, seg, now_ns);
        at += seg;
    }
}

void
rx_begin(struct rx *rx, struct plane_dev *dev)
{
    rx->drops = &dev->drops[rx->thread];
    rx->dev = dev;
    rx->coalescer->tcp = dev->tun_tso;
    rx->coalescer->udp = dev->tun_uso;
}

void
rx_end(struct rx *rx, struct plane_port *port, uint64_t now_ns)
{
    run_flush(rx, port, now_ns);
    c2c_end(&rx->c2c, rx->dev, now_ns);
    tx_flush(rx->tx, now_ns);
    dco_coalesce_flush(rx->coalescer);
    drops_count(rx->drops, DCO_DROP_RX_TUN, tun_batch_flush(rx->batch));
}

/* Who sent it is known from the stream, so the message is one without a source. The kernel's driver
 * ends a stream for data without a peer id, too. */
bool
rx_frame(struct rx *rx, struct plane_port *port, uint8_t *pkt, uint32_t len, uint64_t now_ns)
{
    enum stream_passed passed;
    struct dco_wire_hdr hdr;

    switch (dco_wire_parse(pkt, len, &hdr)) {
    case DCO_WIRE_DATA:
        rx_data(rx, port, RX_MSGS, pkt, len, &hdr, now_ns);
        return true;
    case DCO_WIRE_CONTROL:
        passed = stream_pass(port->stream, pkt - DCO_FRAME_HDR, len + DCO_FRAME_HDR);
        drops_count(rx->drops, DCO_DROP_RX_CTRL_QUEUE, passed == STREAM_FULL);
        return passed != STREAM_BROKEN;
    case DCO_WIRE_DATA_V1:
        drops_count(rx->drops, DCO_DROP_RX_DATA_V1, 1);
        return false;
    case DCO_WIRE_SHORT:
        drops_count(rx->drops, DCO_DROP_RX_SHORT, 1);
        return true;
    }
    return true;
}

void
rx_ready(struct rx *rx, struct plane_port *port, int fd)
{
    struct plane_dev *dev = dco_load_acquire(&port->dev);
    uint64_t now_ns = clock_now_ns();
    int n;

    rx_arm(rx);
    n = recvmmsg(fd, rx->hdr, RX_MSGS, MSG_DONTWAIT, NULL);
    if (n <= 0 || dev == NULL)
        return;
    rx_begin(rx, dev);
    for (int i = 0; i < n; i++)
        rx_train(rx, port, (unsigned)i, now_ns);
    rx_end(rx, port, now_ns);
}
