/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One peer: identity, addresses, key slots, timers and counters. Made and removed by the commands
 * of control.h; found through peers.h.
 */
#ifndef DCO_PEER_H
#define DCO_PEER_H

#include "addr.h"
#include "keys.h"

/* Reasons of removal, with the values of the netlink ABIs. */
enum dco_del_reason {
    DCO_DEL_TEARDOWN = 0,
    DCO_DEL_USERSPACE = 1,
    DCO_DEL_EXPIRED = 2,
    DCO_DEL_TRANSPORT_ERROR = 3,
    DCO_DEL_TRANSPORT_DISCONNECT = 4,
};

/* What is counted for each peer, packets and bytes. VPN: inner packets; LINK: UDP payload. */
enum dco_traffic { DCO_VPN_RX, DCO_VPN_TX, DCO_LINK_RX, DCO_LINK_TX, DCO_TRAFFICS };

/* The same as numbers of one moment. */
struct dco_peer_stats {
    uint64_t vpn_rx_bytes, vpn_rx_packets;
    uint64_t vpn_tx_bytes, vpn_tx_packets;
    uint64_t link_rx_bytes, link_rx_packets;
    uint64_t link_tx_bytes, link_tx_packets;
};

struct dco_peers;
struct dco_peer;

/* What a peer was made of; constant. dco_peer_id(): the id in received packets;
 * dco_peer_tx_id(): the id to write into sent packets. */
uint32_t dco_peer_id(const struct dco_peer *peer);
uint32_t dco_peer_tx_id(const struct dco_peer *peer);
void *dco_peer_transport(const struct dco_peer *peer);
/* Where openvpn knows it, wherever it was or is since. Canonical. */
const struct dco_endpoint *dco_peer_origin(const struct dco_peer *peer);
/* Whether ip is one of its own VPN addresses. */
bool dco_peer_has_vpn(const struct dco_peer *peer, const struct dco_ip *ip);
/* The set that it is in, or was. Valid while that set lives. */
struct dco_peers *dco_peer_set(const struct dco_peer *peer);

/* What the platform keeps with each peer (dco_os.h), zero at first. The core carries it and does
 * not look at it. Lives as long as the peer. */
struct dco_peer_platform *dco_peer_platform(struct dco_peer *peer);

/* From any thread in a read section; at best once per burst. */
void dco_peer_count(struct dco_peer *peer, enum dco_traffic what, uint64_t packets, uint64_t bytes);
/* An authentic packet came, a packet left; monotonic. Of two threads at once either may win: the
 * timers look at seconds. */
void dco_peer_received(struct dco_peer *peer, uint64_t now_ns);
void dco_peer_sent(struct dco_peer *peer, uint64_t now_ns);

/* A consistent copy of the path, from any thread in a read section. */
void dco_peer_path(const struct dco_peer *peer, struct dco_path *path);

/* The key that encrypts, or NULL. Read section. */
struct dco_key *dco_peer_key_tx(const struct dco_peer *peer);

/* The key with this id in either slot, or NULL. Read section. */
struct dco_key *dco_peer_key_rx(const struct dco_peer *peer, uint8_t key_id);

/* The same with a reference (dco_key_put()), outside of a read section; NULL for a peer that is out
 * of sight as well. The peer's set lives. Takes the control lock. */
struct dco_key *dco_peer_hold_key(struct dco_peer *peer);

/* Replay check of n packets that were opened with key, in the order in which they came. verdict[i]
 * goes in as DCO_DROP_NONE for an authentic packet; any other is skipped and left alone. It comes
 * out as DCO_DROP_NONE if the packet is new, which is then marked as seen, else as the reason why
 * it is not. Takes the replay lock of the key once.
 *
 * Returns the index of the packet that may move the peer, to be told to dco_peers_seen_from(), or
 * -1. It raised the window of the newest key that the peer has used. Any other may have been held
 * back by somebody on the path, and says where the peer was, or nothing at all. A key that was
 * installed and not used yet does not count: openvpn goes on with the one before for a minute. */
int dco_peer_accept(struct dco_peer *peer, struct dco_key *key, const uint32_t *id,
                    enum dco_drop *verdict, uint32_t n, uint64_t now_ns);

/* A reference for use beyond the read section. False if the peer is already on its way out. */
bool dco_peer_get(struct dco_peer *peer);
void dco_peer_put(struct dco_peer *peer);

#endif
