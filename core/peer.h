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

/* The counters of each peer, packets and bytes. VPN: inner packets; LINK: UDP payload. */
enum dco_traffic { DCO_VPN_RX, DCO_VPN_TX, DCO_LINK_RX, DCO_LINK_TX, DCO_TRAFFICS };

/* A snapshot of these counters. */
struct dco_peer_stats {
    uint64_t vpn_rx_bytes, vpn_rx_packets;
    uint64_t vpn_tx_bytes, vpn_tx_packets;
    uint64_t link_rx_bytes, link_rx_packets;
    uint64_t link_tx_bytes, link_tx_packets;
};

struct dco_peers;
struct dco_peer;

/* Constant properties. dco_peer_id(): the id in received packets; dco_peer_tx_id(): the id to write
 * into sent packets. */
uint32_t dco_peer_id(const struct dco_peer *peer);
uint32_t dco_peer_tx_id(const struct dco_peer *peer);
void *dco_peer_transport(const struct dco_peer *peer);
/* The address under which openvpn knows the peer, even if the peer has moved since. Canonical. */
const struct dco_endpoint *dco_peer_origin(const struct dco_peer *peer);
/* Whether ip is one of the peer's own VPN addresses. */
bool dco_peer_has_vpn(const struct dco_peer *peer, const struct dco_ip *ip);
/* The set to which the peer belongs or belonged. Valid while that set lives. */
struct dco_peers *dco_peer_set(const struct dco_peer *peer);

/* The platform's own data of the peer (dco_os.h), zero at first; opaque to the core. Lives as long
 * as the peer. */
struct dco_peer_platform *dco_peer_platform(struct dco_peer *peer);

/* Any thread in a read section; best called once per burst. */
void dco_peer_count(struct dco_peer *peer, enum dco_traffic what, uint64_t packets, uint64_t bytes);
/* Records when an authentic packet came, when a packet left; monotonic. Of two threads at once
 * either may win: the timers count in seconds. */
void dco_peer_received(struct dco_peer *peer, uint64_t now_ns);
void dco_peer_sent(struct dco_peer *peer, uint64_t now_ns);

/* A consistent copy of the path, from any thread in a read section. */
void dco_peer_path(const struct dco_peer *peer, struct dco_path *path);

/* The key that encrypts, or NULL. Read section. */
struct dco_key *dco_peer_key_tx(const struct dco_peer *peer);

/* The key with this id in either slot, else the retired key if it has this id, or NULL. Read
 * section. */
struct dco_key *dco_peer_key_rx(const struct dco_peer *peer, uint8_t key_id);

/* dco_peer_key_tx() with a reference (dco_key_put()), for callers outside of a read section. NULL
 * also if the peer was removed. The peer's set must be alive. Takes the control lock. */
struct dco_key *dco_peer_hold_key(struct dco_peer *peer);

/* Replay check of n packets that were opened with key, in the order in which they came. verdict[i]
 * is DCO_DROP_NONE for an authentic packet; packets with another verdict are skipped. Afterwards it
 * is DCO_DROP_NONE for a new packet, which is then marked as seen, else the reason to drop it.
 * Takes the replay lock of the key once.
 *
 * Returns the index of the packet whose source address counts, for dco_peers_seen_from(), or -1.
 * That packet raised the window of the newest key that the peer has used. All others may have been
 * held back by somebody on the path, so they say at most where the peer was. A key that is
 * installed but unused does not count as the newest: openvpn goes on with the previous key for a
 * minute. */
int dco_peer_accept(struct dco_peer *peer, struct dco_key *key, const uint32_t *id,
                    enum dco_drop *verdict, uint32_t n, uint64_t now_ns);

/* A reference for use beyond the read section. False if the last one is already gone. */
bool dco_peer_get(struct dco_peer *peer);
void dco_peer_put(struct dco_peer *peer);

#endif
