/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carries out requests with the commands of the core (core/control.h). A family puts these
 * functions into its table, or calls them after checks of its own. The core decides what is valid;
 * this file adds the checks and errors of the drivers that all families share.
 *
 * Each function returns 0 or a negative errno, which becomes the acknowledgement.
 */
#ifndef DCO_NETLINK_COMMANDS_H
#define DCO_NETLINK_COMMANDS_H

#include "linux/netlink/request.h"

/* Makes a peer at remote and local, with the transport behind fd. */
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
