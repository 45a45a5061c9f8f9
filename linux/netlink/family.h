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
#ifndef DCO_NETLINK_FAMILY_H
#define DCO_NETLINK_FAMILY_H

#include "linux/netlink/family_ops.h"
#include "linux/netlink/netlink.h"

struct nl_family;

/* One request on its way through a handler. */
struct nl_call {
    const struct nl_family *family;
    const struct nl_ops *ops;
    const struct netlink_sink *sink;
    const struct nlmsghdr *request;
    uint32_t ifindex;
    struct dco_peers *peers;
};

struct nl_command {
    /* Carries out the command whose nest the policy has validated; NULL: no command that can be
     * sent. 0 or the errno of its acknowledgement. */
    int (*run)(const struct nl_call *, const struct nlattr *nest);
    const struct netlink_policy *policy; /* of the top level */
    uint8_t nest;                        /* top-level attribute that it must have */
    bool dump;                           /* answers NLM_F_DUMP with all peers */
    bool secret;                         /* holds key material, which no error echoes */
};

#define NL_A_IFINDEX 1 /* in every family */

/* A message that is about one peer: where in it that peer is named. */
struct nl_peer_attr {
    uint8_t command;
    uint8_t nest, id; /* attributes */
    bool removal;     /* it says that the peer was removed */
};

struct nl_family {
    const char *name;
    const char *link_kind;
    uint16_t family_id;
    uint32_t group_id; /* of the multicast group `peers` */
    uint8_t version;
    uint8_t maxattr;  /* of the top level */
    uint8_t commands; /* entries of `command` */
    const struct nl_command *command;
    uint8_t peer_new, peer_del;                 /* numbers of these two */
    uint8_t peer_attrs;                         /* entries of `about` */
    const struct nl_peer_attr *peer_attr_table; /* notifications, and requests for a new peer */

    /* The description of a peer as a reply in buf (NL_PEER_REPLY_MAX bytes, aligned to 4, zeroed);
     * returns its length. */
    size_t (*peer_fill)(const struct nl_call *, void *buf, const struct dco_peer_info *,
                        uint16_t flags);
    /* The notification for event in buf (NL_NOTIFICATION_MAX bytes, aligned to 4); returns its
     * length, or 0 for an event that this family cannot express. */
    size_t (*notification)(void *buf, uint32_t ifindex, const struct dco_event *event);

    /* What its openvpn makes of notifications. */
    bool follows_floats; /* looks for a server's client at its new address */
    bool renews_keys;    /* makes a new key when one is wanted */
    bool keeps_order;    /* hears what a request caused before its acknowledgement, as from the
                            kernel; else that would be lost, and has to come behind */
};

extern const struct nl_family nl_dco_v2; /* OpenVPN 2.6 */
extern const struct nl_family nl_ovpn;   /* OpenVPN 2.7 */

#define NL_FAMILIES 2U
extern const struct nl_family *const nl_families[NL_FAMILIES];

/* NULL: none of ours. name need not end with a NUL within len bytes. */
const struct nl_family *nl_family_by_name(const char *name, size_t len);
const struct nl_family *nl_family_by_id(uint16_t family_id);
const struct nl_family *nl_family_by_kind(const char *kind, size_t len);
unsigned nl_family_index(const struct nl_family *family); /* in nl_families */

/* Carries out one request for the family and emits everything that answers it: reply, dump, ACK.
 * request is aligned to 4, readable up to the next multiple of 4, and nlmsg_len >= NLMSG_HDRLEN.
 * May hold key material: the caller wipes it. */
void nl_request(const struct nl_family *family, const struct nl_ops *ops,
                const struct netlink_sink *sink, const struct nlmsghdr *request);

#define NL_NOTIFICATION_MAX 96U
/* What one peer takes in a reply, at most; that of `ovpn` with everything in it is 244 bytes long.
 */
#define NL_PEER_REPLY_MAX 384U
/* The largest maxattr. */
#define NL_MAXATTR 8U

/* The family whose notification a datagram is, or NULL if it is none of ours. */
const struct nl_family *nl_notification_of(const void *data, size_t len);

/* Which peer a notification, or a request for a new peer, is about. */
struct nl_peer_ref {
    uint32_t ifindex, peer_id;
    uint8_t command;
    bool removal;
};

/* False if nlh is neither of both in this family, or not well formed; requirements as for
 * nl_request(). */
bool nl_peer_ref_of(const struct nl_family *family, const struct nlmsghdr *nlh,
                    struct nl_peer_ref *ref);

/* ---- for the families ------------------------------------------------------------------------ */

/* Both headers in buf; request NULL: of a notification. */
struct nlmsghdr *nl_header_fill(const struct nl_family *family, void *buf,
                                const struct nlmsghdr *request, uint32_t portid, uint8_t command,
                                uint16_t flags);

/* Makes the peer, with the transport behind fd. */
int nl_peer_new(const struct nl_call *c, uint32_t fd, struct dco_peer_new *req);

/* Installs the key of two nests, one for each direction; peer, slot, key id and cipher of req are
 * set. */
int nl_key_new(const struct nl_call *c, struct dco_key_new *req, const struct nlattr *encrypt,
               const struct nlattr *decrypt);

/* Handlers of commands that are the same in every family: the nest names the peer. */
int nl_peer_get(const struct nl_call *c, const struct nlattr *nest);
int nl_key_swap(const struct nl_call *c, const struct nlattr *nest);

#define NL_PEER_ID 1 /* in the nests of these two */

/* Whether an attribute that the policy made an integer is there; *value: its value. */
bool nl_get_u32(const struct nlattr *attr, uint32_t *value);
/* The same for one of this type in a nest. */
bool nl_nest_u32(const struct nlattr *nest, uint16_t type, uint32_t *value);

/* One direction of a key, in every family. */
#define NL_KEY_DIR_KEY  1
#define NL_KEY_DIR_TAIL 2

#define NL_POLICY_NEST(table)                                                                      \
    {                                                                                              \
        .type = NETLINK_NEST, .nest = table, .nest_max = sizeof(table) / sizeof(*table) - 1        \
    }
#define NL_POLICY_BINARY(lo, hi)                                                                   \
    {                                                                                              \
        .type = NETLINK_BINARY, .min = lo, .max = hi                                               \
    }

#endif
