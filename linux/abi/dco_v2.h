/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic netlink family `ovpn-dco-v2` as OpenVPN 2.6 speaks it: commands in, replies and
 * notifications out. Numbers, policy and errno values are those of the out-of-tree driver's
 * include/uapi/linux/ovpn_dco.h and drivers/net/ovpn-dco/netlink.c.
 *
 * The codec holds no state and knows no socket: what it needs comes through struct dco_v2_host, so
 * it runs under a fuzzer as it does in the product. Any thread; calls for one device must not
 * overlap with the end of that device.
 *
 * Where it is stricter than the driver: ids beyond 24 bits (wire format), key ids beyond 3 bits and
 * a key that was installed before are refused. Where it is more lenient: a key for a peer that was
 * removed is accepted, and goes nowhere, as long as the process cannot know of the removal; openvpn
 * 2.6 would exit. Want of memory is ENOSPC here, because ENOMEM makes openvpn exit.
 */
#ifndef DCO_ABI_DCO_V2_H
#define DCO_ABI_DCO_V2_H

#include "core/control.h"
#include "linux/abi/netlink.h"

#define DCO_V2_NAME    "ovpn-dco-v2"
#define DCO_V2_GROUP   "peers"
#define DCO_V2_VERSION 1
#define DCO_V2_MAXATTR 8
/* The kernel gives ids below 1024 to families, so this one is never another's; the same for the
 * group, of which the kernel counts from 1. */
#define DCO_V2_FAMILY_ID 0x7d02
#define DCO_V2_GROUP_ID  0x7d02

enum dco_v2_command {
    DCO_V2_NEW_PEER = 1,
    DCO_V2_SET_PEER,
    DCO_V2_DEL_PEER,
    DCO_V2_NEW_KEY,
    DCO_V2_SWAP_KEYS,
    DCO_V2_DEL_KEY,
    DCO_V2_GET_PEER,
};

/* Top level; 2..8 are nests of the command with the same name. */
enum dco_v2_attr {
    DCO_V2_A_IFINDEX = 1,
    DCO_V2_A_NEW_PEER,
    DCO_V2_A_SET_PEER,
    DCO_V2_A_DEL_PEER,
    DCO_V2_A_NEW_KEY,
    DCO_V2_A_SWAP_KEYS,
    DCO_V2_A_DEL_KEY,
    DCO_V2_A_GET_PEER,
};

/* Key material as it lies in the request; valid during the call only. */
struct dco_v2_key {
    enum dco_cipher cipher;
    size_t len;
    const uint8_t *tx, *rx;           /* len bytes */
    const uint8_t *tx_tail, *rx_tail; /* DCO_NONCE_TAIL_LEN bytes */
};

struct dco_v2_host {
    void *arg; /* first argument of each function */

    /* -ENODEV: no such interface; -EINVAL: not one of ours. */
    int (*device)(void *arg, uint32_t ifindex, struct dco_peers **peers);
    /* 0 if fd is a UDP socket, else -ENOTSOCK. */
    int (*socket_check)(void *arg, uint32_t fd);
    /* A reference to the transport behind fd, tied to the device. -ENOTSOCK, -ENOMEM ... */
    int (*transport_get)(void *arg, uint32_t fd, uint32_t ifindex, void **transport);
    void (*transport_put)(void *arg, void *transport);
    /* Local port in network order, 0 if unknown. transport may have been closed. */
    uint16_t (*transport_port)(void *arg, const void *transport);
    /* Keyed ciphers for dco_key_new.crypto. -ENOMEM, or -EINVAL for what this machine's libraries
     * do not offer. Key lengths have been checked. */
    int (*crypto_new)(void *arg, const struct dco_v2_key *key, void **crypto);
    void (*crypto_free)(void *arg, void *crypto);
    uint64_t (*now)(void *arg); /* monotonic, nanoseconds */
    /* Whether the process has yet to hear that the peer was removed. May be NULL: it has. */
    bool (*removal_unheard)(void *arg, uint32_t ifindex, uint32_t peer_id);
};

/* Carries out one request for the family and emits everything that answers it: reply, dump, ACK.
 * request is aligned to 4, readable up to the next multiple of 4, and nlmsg_len >= NLMSG_HDRLEN.
 * May hold key material: the caller wipes it. */
void dco_v2_request(const struct dco_v2_host *host, const struct netlink_sink *sink,
                    const struct nlmsghdr *request);

#define DCO_V2_NOTIFICATION_MAX 64U

/* The notification for event in buf (DCO_V2_NOTIFICATION_MAX bytes, aligned to 4); returns its
 * length, or 0 for an event that this ABI cannot express. */
size_t dco_v2_notification(void *buf, uint32_t ifindex, const struct dco_event *event);

/* Whether a datagram that this family emitted is a notification. */
bool dco_v2_is_notification(const void *data, size_t len);

/* Which peer a notification, or a request for a new peer, is about. */
struct dco_v2_subject {
    uint32_t ifindex, peer_id;
};

/* False if nlh is neither, or not well formed; requirements as above. */
bool dco_v2_subject(const struct nlmsghdr *nlh, struct dco_v2_subject *subject);

#endif
