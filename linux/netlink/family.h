/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic netlink families that openvpn may speak. Tables describe each: its commands here, its
 * attributes in schema.h. Constant data; any thread.
 */
#ifndef DCO_NETLINK_FAMILY_H
#define DCO_NETLINK_FAMILY_H

#include "linux/netlink/schema.h"

#define NL_A_IFINDEX 1 /* at the top level, in every family */

struct nl_call; /* request.h */

/* A command: a request, a notification, or both. Its number is its index in the table. */
struct nl_command {
    const char *name; /* NULL: no such command */
    /* Carries out the request. Returns the errno of its acknowledgement, negative, or 0. NULL if
     * the command is not a request. */
    int (*run)(const struct nl_call *c, const struct nl_message *message);
    uint8_t nest;   /* top-level attribute that holds everything but the interface */
    uint32_t event; /* the DCO_EVENT_* that it reports; 0: it is not a notification */
    bool dump;      /* answers NLM_F_DUMP with all peers */
    bool secret;    /* holds key material, so errors do not echo the request */
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
    uint8_t peer_new, peer_del; /* numbers of these commands */
};

extern const struct nl_family nl_dco_v2; /* OpenVPN 2.6 */
extern const struct nl_family nl_ovpn;   /* OpenVPN 2.7 */

#define NL_FAMILIES 2U
extern const struct nl_family *const nl_families[NL_FAMILIES];

/* NULL if the family is not one of ours. name may lack a NUL within its len bytes. */
const struct nl_family *nl_family_by_name(const char *name, size_t len);
const struct nl_family *nl_family_by_id(uint16_t family_id);
const struct nl_family *nl_family_by_kind(const char *kind, size_t len);
unsigned nl_family_index(const struct nl_family *family); /* in nl_families */

/* The attributes in the nest of a command. */
const struct nl_set *nl_command_set(const struct nl_family *family,
                                    const struct nl_command *command);

#endif
