/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of a peer. For core/ and its tests only.
 */
#ifndef DCO_PEER_PRIVATE_H
#define DCO_PEER_PRIVATE_H

#include "atomic.h"
#include "peer.h"

struct dco_peer_new;

struct dco_peer {
    struct dco_peers *peers;      /* const; valid while the peer is in its tables */
    const struct dco_env *env;    /* const */
    struct dco_deferred deferred; /* owner: the last put */
    uint32_t refs;                /* atomic; the tables hold one, a waiting event another */
    uint32_t id;                  /* const: id in received packets, key of the table */
    uint32_t tx_id;               /* const: id written into sent packets */
    struct dco_ip vpn4, vpn6;     /* const after publication; family 0: none */
    struct dco_endpoint origin;   /* const: the address under which openvpn knows the peer */
    void *transport;              /* const; given up through dco_env_transport_put() */

    struct dco_key *slot[2]; /* atomic pointers; writers: control lock */
    uint32_t primary;        /* atomic index of the slot that encrypts */
    struct dco_key *retired; /* atomic pointer; writers: control lock. Decrypts only */
    uint64_t retired_end_ns; /* control lock; when it ends. UINT64_MAX: there is none */

    /* Path in its canonical form (dco_endpoint_canon); a platform whose socket is dual-stack maps
     * IPv4 addresses when it sends. Two copies under a sequence number, see peer.c. Writers:
     * control lock. */
    uint32_t path_seq; /* atomic; its lowest bit is the copy to read */
    uint64_t path_words[2][sizeof(struct dco_path) / 8]; /* atomic words */

    /* Timers, nanoseconds; 0: off. Set under the control lock, read by dco_peers_tick(). */
    uint64_t interval_ns;
    uint64_t timeout_ns;
    uint64_t timers_ns;     /* when both were last restarted */
    uint64_t last_rx_ns;    /* atomic, monotonic; last authentic packet */
    uint64_t last_tx_ns;    /* atomic, monotonic; last packet sent */
    uint64_t last_float_ns; /* control lock */
    uint64_t key_heard;     /* atomic; serial of the newest key that it has used */

    struct dco_peer_platform platform; /* the platform's; the core neither reads nor writes it */
    struct dco_counter packets[DCO_TRAFFICS]; /* any thread */
    struct dco_counter bytes[DCO_TRAFFICS];   /* any thread */

    uint32_t events;               /* control lock; bits DCO_EVENT_* */
    uint32_t del_reason;           /* control lock */
    uint8_t wanted_key_id;         /* control lock; DCO_EVENT_KEY_WANTED */
    bool wanted_now;               /* control lock; likewise: the key is spent */
    bool dead;                     /* control lock; out of the tables */
    struct dco_peer *event_next;   /* control lock */
    struct dco_peer *next, **prev; /* control lock: list of all peers, newest first */
};

/* req: valid; the peer takes over req->transport. One reference. NULL: no memory. */
struct dco_peer *dco_peer_new(struct dco_peers *p, const struct dco_peer_new *req, uint64_t now_ns);
/* Frees a peer that no other thread has seen; the transport stays the caller's. */
void dco_peer_abandon(struct dco_peer *peer);
/* For dco_deferred_run(). */
void dco_peer_end(struct dco_deferred *d);

/* Control lock. path: canonical. */
void dco_peer_set_path(struct dco_peer *peer, const struct dco_path *path);
/* Control lock. Stores key (NULL: none) in the slot. The old one retires if a newer one encrypts;
 * otherwise openvpn takes the peer's keys away, and both the old one and the retired one end. */
void dco_peer_set_key(struct dco_peer *peer, enum dco_slot slot, struct dco_key *key,
                      uint64_t now_ns);
/* Control lock. Ends the retired key, if there is one. */
void dco_peer_end_retired(struct dco_peer *peer);
/* Control lock. Ends all keys. */
void dco_peer_end_keys(struct dco_peer *peer);
/* Control lock. */
struct dco_key *dco_peer_slot(const struct dco_peer *peer, enum dco_slot slot);

void dco_peer_stats_read(const struct dco_peer *peer, struct dco_peer_stats *stats);

#endif
