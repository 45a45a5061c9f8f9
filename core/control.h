/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of the control plane, independent of how they arrive (netlink, nvlist). Their
 * callers only translate: every rule about what is valid lives here. Each command takes the control
 * lock; callers are any thread outside of it. Returns 0 or a negative errno:
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
    uint32_t tx_id;       /* <= DCO_PEER_ID_MAX; ABIs without the notion pass id */
    struct dco_ip vpn4;   /* family 0 or 4; MP needs one of the two, P2P takes none into account */
    struct dco_ip vpn6;   /* family 0 or 6; the all-zero address of either counts as none */
    struct dco_path path; /* remote.ip.family 0: the transport knows (TCP). local: of the family of
                             remote (v4-mapped is IPv4), even if all-zero; or none */
    struct dco_endpoint origin; /* where openvpn knows it, if that is not path.remote; family 0: it
                                   is */
    bool share_vpn;  /* a VPN address in use is no error: the newest peer that has it gets its
                        packets, the others again when that one is gone. OpenVPN 2.6 needs it:
                        it deletes the older session of a client before it adds the newer, but
                        with --duplicate-cn or scripts that hand out one address twice both
                        live, and its own table lets the newest win */
    void *transport; /* one reference, taken over on success only; NULL: none */
};

/* Whether req is one that a device of this mode accepts, whatever peers it has. For callers that
 * take a transport over only for a peer that can be; any thread. */
bool dco_control_peer_valid(const struct dco_peers *p, const struct dco_peer_new *req);

/* MP: -EEXIST for a used id. P2P: replaces the present peer, which goes with reason TEARDOWN before
 * the new one appears. */
int dco_control_peer_new(struct dco_peers *p, const struct dco_peer_new *req, uint64_t now_ns);

/* Seconds; 0 switches that timer off; UINT32_MAX leaves it as it is. Restarts both timers. */
int dco_control_peer_set(struct dco_peers *p, uint32_t id, uint32_t interval_s, uint32_t timeout_s,
                         uint64_t now_ns);
int dco_control_peer_del(struct dco_peers *p, uint32_t id, enum dco_del_reason reason);

/* Removes every peer that uses this transport; returns how many. */
unsigned dco_control_transport_gone(struct dco_peers *p, const void *transport,
                                    enum dco_del_reason reason);

/* What a new key is made of. The key material itself went into crypto; the fingerprint input lets
 * the core refuse to install the same encryption key twice. */
struct dco_key_new {
    uint32_t peer_id;
    enum dco_slot slot;
    uint8_t key_id; /* <= DCO_KEY_ID_MAX */
    enum dco_cipher cipher;
    uint16_t key_len;       /* bytes; as dco_cipher_takes() says */
    const uint8_t *tx_key;  /* key_len bytes; read during the call, never kept */
    const uint8_t *tx_tail; /* DCO_NONCE_TAIL_LEN bytes each */
    const uint8_t *rx_tail;
    void *crypto;  /* taken over on success only */
    bool plain_ok; /* the caller's ABI has cipher NONE (key_len 0), and its platform honours it */
};

int dco_control_key_new(struct dco_peers *p, const struct dco_key_new *req, uint64_t now_ns);
/* Swapping or deleting empty slots succeeds, as in the Linux drivers. */
int dco_control_key_swap(struct dco_peers *p, uint32_t peer_id);
int dco_control_key_del(struct dco_peers *p, uint32_t peer_id, enum dco_slot slot);

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
    struct dco_path path;
    uint32_t interval_s, timeout_s;
    uint64_t last_rx_ns, last_tx_ns; /* monotonic; 0: none yet */
    struct dco_peer_stats stats;
    bool has_primary;
    struct dco_key_info primary; /* if has_primary */
    void *transport;             /* for comparison and port lookup only; no reference */
};

int dco_control_peer_get(struct dco_peers *p, uint32_t id, struct dco_peer_info *info);

/* Whether the peer that is found at `remote` is the one that was created under the address
 * `origin`. Both in any form. */
bool dco_control_peer_is(struct dco_peers *p, const struct dco_endpoint *remote,
                         const struct dco_endpoint *origin);

/* The peer with the lowest id >= from; -ENOENT if there is none. A dump is a loop over it, and may
 * be interrupted by any other command between two calls. */
int dco_control_peer_next(struct dco_peers *p, uint32_t from, struct dco_peer_info *info);

#endif
