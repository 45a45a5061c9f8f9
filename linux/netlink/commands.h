/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carries out what a request says, by the commands of the core (core/control.h). A family takes
 * these functions into its table, or calls them after it has checked what it alone demands. The
 * core decides what is valid; here stands what every family's openvpn is used to.
 *
 * 0 or a negative errno, which becomes the acknowledgement.
 */
#ifndef DCO_NETLINK_COMMANDS_H
#define DCO_NETLINK_COMMANDS_H

#include "linux/netlink/request.h"

/* Makes a peer with the transport behind fd, at remote and local. */
int nl_peer_new(const struct nl_call *c, const struct nl_message *m);
/* Sets the keepalive timers if both are given; one alone changes nothing. */
int nl_peer_set(const struct nl_call *c, const struct nl_message *m);
int nl_peer_get(const struct nl_call *c, const struct nl_message *m);
int nl_peer_del(const struct nl_call *c, const struct nl_message *m);

int nl_key_new(const struct nl_call *c, const struct nl_message *m);
int nl_key_get(const struct nl_call *c, const struct nl_message *m);
int nl_key_swap(const struct nl_call *c, const struct nl_message *m);
int nl_key_del(const struct nl_call *c, const struct nl_message *m);

#endif
