/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic netlink families that an openvpn may speak, each described by tables: its commands
 * here, its attributes in schema.h. Constant data; any thread.
 */
#ifndef DCO_NETLINK_FAMILY_H
#define DCO_NETLINK_FAMILY_H

#include "linux/netlink/schema.h"

#define NL_A_IFINDEX 1 /* at the top level, in every family */

struct nl_call; /* request.h */

/* A command, which is a request, a notification, or both. Its number is its place in the table. */
struct nl_command {
    const char *name; /* NULL: no such command */
    /* Carries out the request that message says. 0 or the errno of its acknowledgement. NULL: no
     * command that can be sent. */
    int (*run)(const struct nl_call *c, const struct nl_message *message);
    uint8_t nest;   /* number of the top-level attribute with everything but the interface */
    uint32_t event; /* the DCO_EVENT_* that it tells of; 0: it is no notification */
    bool dump;      /* answers NLM_F_DUMP with all peers */
    bool secret;    /* holds key material, which no error echoes */
};

struct nl_family {
    const char *name;
    const char *link_kind;
    uint16_t family_id;
    uint32_t group_id; /* of the multicast group `peers` */
    uint8_t version;
    uint8_t commands; /* entries of `command`, at most 32 */
    const struct nl_command *command;
    const struct nl_set *top;   /* attributes of the top level */
    uint8_t peer_new, peer_del; /* numbers of these two */
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

/* The set in the nest of a command. */
const struct nl_set *nl_command_set(const struct nl_family *family,
                                    const struct nl_command *command);

#endif
