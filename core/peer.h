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

/* What is counted for each peer. "vpn": inner packets; "link": UDP payload. */
enum dco_count {
    DCO_COUNT_VPN_RX_BYTES,
    DCO_COUNT_VPN_RX_PACKETS,
    DCO_COUNT_VPN_TX_BYTES,
    DCO_COUNT_VPN_TX_PACKETS,
    DCO_COUNT_LINK_RX_BYTES,
    DCO_COUNT_LINK_RX_PACKETS,
    DCO_COUNT_LINK_TX_BYTES,
    DCO_COUNT_LINK_TX_PACKETS,
    DCO_COUNTS
};

/* The same as numbers of one moment. */
struct dco_peer_stats {
    uint64_t vpn_rx_bytes, vpn_rx_packets;
    uint64_t vpn_tx_bytes, vpn_tx_packets;
    uint64_t link_rx_bytes, link_rx_packets;
    uint64_t link_tx_bytes, link_tx_packets;
};

/* Events that wait for openvpn, bits of dco_peer.events. */
#define DCO_EVENT_DEL        1U /* removed; del_reason says why */
#define DCO_EVENT_FLOAT      2U /* authenticated packet from a new address */
#define DCO_EVENT_KEY_WANTED 4U /* a soft limit of the primary key was passed */

struct dco_peers;

struct dco_peer {
    struct dco_peers *peers;      /* const; valid while the peer is in its tables */
    const struct dco_env *env;    /* const */
    struct dco_deferred deferred; /* owner: the last put */
    uint32_t refs;                /* atomic; the tables hold one, a waiting event another */
    uint32_t id;                  /* const: id in received packets, key of the table */
    uint32_t tx_id;               /* const: id written into sent packets */
    struct dco_ip vpn4, vpn6;     /* const after publication; family 0: none */
    struct dco_endpoint origin;   /* const: where openvpn knows it, wherever it was or is since */
    void *transport;              /* const; given up through dco_env_transport_put() */

    struct dco_key *slot[2]; /* atomic pointers; writers: control lock */
    uint32_t primary;        /* atomic index of the slot that encrypts */

    /* Path in its canonical form (dco_endpoint_canon): a platform whose socket is dual-stack maps
     * IPv4 again when it sends. Two copies under a sequence number; writers: control lock. See
     * peer.c.
     */
    uint32_t path_seq; /* atomic; its lowest bit is the copy to read */
    uint32_t path_words[2][sizeof(struct dco_path) / 4]; /* atomic words */

    /* Timers, nanoseconds; 0 = off. Set under the control lock, read by dco_peers_tick(). */
    uint64_t interval_ns;
    uint64_t timeout_ns;
    uint64_t timers_ns;     /* when both were last restarted */
    uint64_t last_rx_ns;    /* atomic, monotonic; last authentic packet */
    uint64_t last_tx_ns;    /* atomic, monotonic; last packet sent */
    uint64_t last_float_ns; /* control lock */
    uint64_t key_heard;     /* atomic; serial of the newest key that it has used */

    uint16_t path_mtu; /* atomic; outer MTU towards the peer, 0: unknown (platform's) */
    uint32_t
        gso_refused; /* atomic; platform's: how often in a row segmentation offload was refused */
    uint64_t gso_off_ns; /* atomic; platform's: it is not tried again before, 0: it works */
    uint64_t inside_ns;  /* atomic; platform's: when a packet for its remote last came back to us */
    uint64_t move_ns;    /* atomic; platform's: when its move elsewhere was last considered */
    uint64_t question_ns; /* atomic; platform's: until then its questions about sources are spent */
    struct dco_counter counts[DCO_COUNTS]; /* any thread; added to through dco_peer_count() */

    uint32_t events;               /* control lock */
    uint32_t del_reason;           /* control lock */
    uint8_t wanted_key_id;         /* control lock; DCO_EVENT_KEY_WANTED */
    bool wanted_now;               /* control lock; likewise: the key is spent */
    bool dead;                     /* control lock; out of the tables */
    struct dco_peer *event_next;   /* control lock */
    struct dco_peer *next, **prev; /* control lock: list of all peers, newest first */
};

/* Adds to a counter, from any thread in a read section; at best once per burst. */
static inline void
dco_peer_count(struct dco_peer *peer, enum dco_count what, uint64_t n)
{
    dco_counter_add(&peer->counts[what], n);
}

/* A consistent copy of the path, from any thread in a read section. */
void dco_peer_path(const struct dco_peer *peer, struct dco_path *path);

/* The key that encrypts, or NULL. Read section. */
struct dco_key *dco_peer_key_tx(const struct dco_peer *peer);

/* The key with this id in either slot, or NULL. Read section. */
struct dco_key *dco_peer_key_rx(const struct dco_peer *peer, uint8_t key_id);

/* For a packet with this id that was accepted as new just now, while key->replay_lock is still
 * held: may it move the peer, to be told to dco_peers_seen_from()? Only if it raised the window of
 * the newest key that the peer has used. Any other may have been held back by somebody on the path,
 * and says where the peer was, or nothing at all. A key that was installed and not used yet does
 * not count: openvpn goes on with the one before for a minute. */
bool dco_peer_may_move(struct dco_peer *peer, const struct dco_key *key, uint32_t id);

/* A reference for use beyond the read section. False if the peer is already on its way out. */
bool dco_peer_get(struct dco_peer *peer);
void dco_peer_put(struct dco_peer *peer);

#endif
