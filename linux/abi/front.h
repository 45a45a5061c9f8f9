/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic netlink families that an openvpn may speak, each described by a table, and what is
 * the same for all of them: the way of a request to its handler, replies about peers, installing a
 * key.
 *
 * Any thread; calls for one device must not overlap with the end of that device.
 *
 * Where both are more lenient than the drivers: a key for a peer that was removed is accepted, and
 * goes nowhere, as long as the process cannot know of the removal, because openvpn exits when a key
 * is refused. Want of memory is ENOSPC, because ENOMEM makes openvpn exit. Where they are stricter:
 * a key that was installed before is refused.
 */
#ifndef DCO_ABI_FRONT_H
#define DCO_ABI_FRONT_H

#include "linux/abi/host.h"
#include "linux/abi/netlink.h"

struct abi_front;

/* One request on its way through a handler. */
struct abi_call {
    const struct abi_front *front;
    const struct abi_host *host;
    const struct netlink_sink *sink;
    const struct nlmsghdr *request;
    uint32_t ifindex;
    struct dco_peers *peers;
};

struct abi_command {
    /* Carries out the command whose nest the policy has validated; NULL: no command that can be
     * sent. 0 or the errno of its acknowledgement. */
    int (*run)(const struct abi_call *, const struct nlattr *nest);
    const struct netlink_policy *policy; /* of the top level */
    uint8_t nest;                        /* top-level attribute that it must have */
    bool dump;                           /* answers NLM_F_DUMP with all peers */
    bool secret;                         /* holds key material, which no error echoes */
};

#define ABI_A_IFINDEX 1 /* in every family */

/* A message that is about one peer: where in it that peer is named. */
struct abi_about {
    uint8_t command;
    uint8_t nest, id; /* attributes */
    bool removal;     /* it says that the peer was removed */
};

struct abi_front {
    const char *name;
    const char *link_kind;
    uint16_t family_id;
    uint32_t group_id; /* of the multicast group `peers` */
    uint8_t version;
    uint8_t maxattr;  /* of the top level */
    uint8_t commands; /* entries of `command` */
    const struct abi_command *command;
    uint8_t peer_new, peer_del;    /* numbers of these two */
    uint8_t abouts;                /* entries of `about` */
    const struct abi_about *about; /* notifications, and requests for a new peer */

    /* The description of a peer as a reply in buf (ABI_PEER_REPLY_MAX bytes, aligned to 4, zeroed);
     * returns its length. */
    size_t (*peer_put)(const struct abi_call *, void *buf, const struct dco_peer_info *,
                       uint16_t flags);
    /* The notification for event in buf (ABI_NOTIFICATION_MAX bytes, aligned to 4); returns its
     * length, or 0 for an event that this family cannot express. */
    size_t (*notification)(void *buf, uint32_t ifindex, const struct dco_event *event);

    /* What its openvpn makes of notifications. */
    bool follows_floats; /* looks for a server's client at its new address */
    bool renews_keys;    /* makes a new key when one is wanted */
    bool keeps_order;    /* hears what a request caused before its acknowledgement, as from the
                            kernel; else that would be lost, and has to come behind */
};

extern const struct abi_front abi_dco_v2; /* OpenVPN 2.6 */
extern const struct abi_front abi_ovpn;   /* OpenVPN 2.7 */

#define ABI_FRONTS 2U
extern const struct abi_front *const abi_fronts[ABI_FRONTS];

/* NULL: none of ours. name need not end with a NUL within len bytes. */
const struct abi_front *abi_front_by_name(const char *name, size_t len);
const struct abi_front *abi_front_by_id(uint16_t family_id);
const struct abi_front *abi_front_by_kind(const char *kind, size_t len);
unsigned abi_front_number(const struct abi_front *front); /* in abi_fronts */

/* Carries out one request for the family and emits everything that answers it: reply, dump, ACK.
 * request is aligned to 4, readable up to the next multiple of 4, and nlmsg_len >= NLMSG_HDRLEN.
 * May hold key material: the caller wipes it. */
void abi_request(const struct abi_front *front, const struct abi_host *host,
                 const struct netlink_sink *sink, const struct nlmsghdr *request);

#define ABI_NOTIFICATION_MAX 96U
/* What one peer takes in a reply, at most; that of `ovpn` with everything in it is 244 bytes long.
 */
#define ABI_PEER_REPLY_MAX 384U
/* The largest maxattr. */
#define ABI_MAXATTR 8U

/* The family whose notification a datagram is, or NULL if it is none of ours. */
const struct abi_front *abi_notification_of(const void *data, size_t len);

/* Which peer a notification, or a request for a new peer, is about. */
struct abi_subject {
    uint32_t ifindex, peer_id;
    uint8_t command;
    bool removal;
};

/* False if nlh is neither of both in this family, or not well formed; requirements as for
 * abi_request(). */
bool abi_subject_of(const struct abi_front *front, const struct nlmsghdr *nlh,
                    struct abi_subject *subject);

/* ---- for the families ------------------------------------------------------------------------ */

/* Both headers in buf; request NULL: of a notification. */
struct nlmsghdr *abi_header_put(const struct abi_front *front, void *buf,
                                const struct nlmsghdr *request, uint32_t portid, uint8_t command,
                                uint16_t flags);

/* Makes the peer, with the transport behind fd. */
int abi_peer_new(const struct abi_call *c, uint32_t fd, struct dco_peer_new *req);

/* Installs the key of two nests, one for each direction; peer, slot, key id and cipher of req are
 * set. */
int abi_key_new(const struct abi_call *c, struct dco_key_new *req, const struct nlattr *encrypt,
                const struct nlattr *decrypt);

/* Handlers of commands that are the same in every family: the nest names the peer. */
int abi_peer_get(const struct abi_call *c, const struct nlattr *nest);
int abi_key_swap(const struct abi_call *c, const struct nlattr *nest);

#define ABI_PEER_ID 1 /* in the nests of these two */

/* Whether an attribute that the policy made an integer is there; *value: its value. */
bool abi_get_u32(const struct nlattr *attr, uint32_t *value);
/* The same for one of this type in a nest. */
bool abi_nest_u32(const struct nlattr *nest, uint16_t type, uint32_t *value);

/* One direction of a key, in every family. */
#define ABI_KEY_DIR_KEY  1
#define ABI_KEY_DIR_TAIL 2

#define ABI_NEST(table)                                                                            \
    {                                                                                              \
        .type = NETLINK_NEST, .nest = table, .nest_max = sizeof(table) / sizeof(*table) - 1        \
    }
#define ABI_BINARY(lo, hi)                                                                         \
    {                                                                                              \
        .type = NETLINK_BINARY, .min = lo, .max = hi                                               \
    }

#endif
