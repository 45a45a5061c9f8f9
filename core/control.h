/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of the control plane, independent of how they arrive (netlink, nvlist). Callers only
 * translate: every rule about what is valid is here. Each command takes the control lock; any
 * thread without that lock may call it. Returns 0 or a negative errno:
 *
 *   -EINVAL  an argument no device of this mode accepts     -ENOENT  no such peer, or empty slot
 *   -EEXIST  peer id in use, or key material already used   -ENOMEM  nothing was changed
 *   -EADDRINUSE  VPN address belongs to another peer and share_vpn is off
 */
#ifndef DCO_CONTROL_H
#define DCO_CONTROL_H

#include "peers.h"

struct dco_peer_new {
    uint32_t id;          /* < DCO_PEER_ID_UNDEF */
    uint32_t tx_id;       /* <= DCO_PEER_ID_MAX; an ABI that has no such id passes id */
    struct dco_ip vpn4;   /* family 0 or 4; MP needs one of the two, P2P ignores both */
    struct dco_ip vpn6;   /* family 0 or 6; all-zero addresses of either family count as none */
    struct dco_path path; /* remote.ip.family 0: the transport knows it (TCP). local: of the family
                             of remote (v4-mapped is IPv4), even if all-zero; or family 0 */
    /* The address under which openvpn knows the peer; family 0: path.remote. */
    struct dco_endpoint origin;
    /* Allow a VPN address that is in use: its packets go to the newest peer that has it, and to the
     * others again when that one is removed. OpenVPN 2.6 deletes the older session of a client
     * before it adds the newer one. But with --duplicate-cn, or scripts that give one address to
     * two clients, both live, and its own table prefers the newest. */
    bool share_vpn;
    void *transport; /* one reference, taken over if the command succeeds; NULL: none */
};

/* Whether a device of this mode accepts req, regardless of the peers that it has. Lets callers
 * check req before they make a transport for it. Any thread. */
bool dco_control_peer_valid(const struct dco_peers *p, const struct dco_peer_new *req);

/* MP: -EEXIST for a used id. P2P: removes the present peer, with reason TEARDOWN, before the new
 * one appears. */
int dco_control_peer_new(struct dco_peers *p, const struct dco_peer_new *req, uint64_t now_ns);

/* Seconds; 0 disables the timer, UINT32_MAX leaves it unchanged. Restarts both timers. */
int dco_control_peer_set(struct dco_peers *p, uint32_t id, uint32_t interval_s, uint32_t timeout_s,
                         uint64_t now_ns);
int dco_control_peer_del(struct dco_peers *p, uint32_t id, enum dco_del_reason reason);

/* Removes the peer if this transport, which has ended, is the one that it uses; else -ENOENT. */
int dco_control_peer_lost(struct dco_peers *p, uint32_t id, const void *transport,
                          enum dco_del_reason reason);

/* The peer has said that it leaves (occ.h). Removes it with reason EXPIRED, which openvpn takes as
 * the end of the session. False: nothing is done for a P2P peer without a timeout, because openvpn
 * aborts if such a peer expires. Read section. */
bool dco_control_peer_leaves(struct dco_peers *p, struct dco_peer *peer);

/* Removes every peer that uses this transport; returns how many. */
unsigned dco_control_transport_gone(struct dco_peers *p, const void *transport,
                                    enum dco_del_reason reason);

/* A new key. crypto already contains the key material. tx_key and tx_tail are the input of the
 * fingerprint by which the core refuses to install an encryption key twice. */
struct dco_key_new {
    uint32_t peer_id;
    enum dco_slot slot;
    uint8_t key_id; /* <= DCO_KEY_ID_MAX */
    enum dco_cipher cipher;
    uint16_t key_len;       /* bytes; see dco_cipher_takes() */
    const uint8_t *tx_key;  /* key_len bytes; read during the call, never kept */
    const uint8_t *tx_tail; /* DCO_NONCE_TAIL_LEN bytes each */
    const uint8_t *rx_tail;
    void *crypto;  /* taken over if the command succeeds */
    bool plain_ok; /* the caller's ABI has cipher NONE (key_len 0), and its platform honours it */
};

int dco_control_key_new(struct dco_peers *p, const struct dco_key_new *req, uint64_t now_ns);
/* Swapping or deleting empty slots succeeds, as in the Linux drivers. */
int dco_control_key_swap(struct dco_peers *p, uint32_t peer_id);
/* An old key decrypts for DCO_KEY_RETIRED_NS more (keys.h). */
int dco_control_key_del(struct dco_peers *p, uint32_t peer_id, enum dco_slot slot, uint64_t now_ns);

struct dco_key_info {
    enum dco_cipher cipher;
    uint16_t key_len;
    uint8_t key_id;
    uint64_t created_ns;
};

int dco_control_key_get(struct dco_peers *p, uint32_t peer_id, enum dco_slot slot,
                        struct dco_key_info *info);

struct dco_peer_info {
    uint32_t id, tx_id;
    struct dco_ip vpn4, vpn6;
    struct dco_path path;       /* remote.ip.family 0: over TCP, from origin */
    struct dco_endpoint origin; /* the address under which openvpn knows it */
    uint32_t interval_s, timeout_s;
    uint64_t last_rx_ns, last_tx_ns; /* monotonic; 0: none yet */
    struct dco_peer_stats stats;
    bool has_primary;
    struct dco_key_info primary; /* if has_primary */
    void *transport;             /* for comparison and port lookup only; no reference */
};

int dco_control_peer_get(struct dco_peers *p, uint32_t id, struct dco_peer_info *info);

/* Whether the peer at the address `remote` was created under the address `origin`. Neither needs to
 * be canonical. */
bool dco_control_peer_is(struct dco_peers *p, const struct dco_endpoint *remote,
                         const struct dco_endpoint *origin);

/* The peer with the lowest id >= from; -ENOENT if there is none. A dump is a loop of calls; other
 * commands may run between them. */
int dco_control_peer_next(struct dco_peers *p, uint32_t from, struct dco_peer_info *info);

#endif
