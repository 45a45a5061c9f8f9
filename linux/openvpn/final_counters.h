/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last traffic counters of each client, for the script of --client-disconnect. openvpn asks for
 * the counters of all peers when it closes a client, but it has forgotten the client's id by then
 * and discards the answer. So the script would learn what the last status file showed, which is
 * nothing if there is none. OpenVPN before 2.6.20 even forgets that when it hears that the plane
 * removed the peer, and later versions do not ask at all then.
 *
 * This module keeps what openvpn was last told about each client, and the final numbers of each
 * peer that was removed, and puts them into the environment of the script. Plugins and the
 * management interface keep openvpn's own numbers, except as final_counters_message() says.
 *
 * The preload lock held, except for final_counters_env().
 */
#ifndef DCO_OPENVPN_FINAL_COUNTERS_H
#define DCO_OPENVPN_FINAL_COUNTERS_H

#include "core/control.h"
#include "core/events.h"
#include "linux/openvpn/traits.h"

/* The final numbers of a peer are kept for this time, in which openvpn runs the script. */
#define FINAL_COUNTERS_KEPT_NS (300ULL * 1000000000ULL)

/* openvpn asks for the counters of all peers of the device. */
void final_counters_asked(const struct openvpn_traits *traits, struct dco_peers *peers,
                          uint64_t now_ns);

/* event: DCO_EVENT_DEL, whatever the reason: OpenVPN 2.7 removes the peer of a client that says
 * goodbye 5 seconds before it closes the client. */
void final_counters_gone(const struct openvpn_traits *traits, const struct dco_event *event,
                         uint64_t now_ns);

/* The environment for a program that openvpn is about to start: a corrected copy of envp where the
 * program is the script of --client-disconnect and openvpn's numbers are too low, else envp itself.
 * In a child of fork(), which took over the parent's state while the preload lock was held. The
 * copy is never freed: execve() ends its life. */
char *const *final_counters_env(char *const envp[]);

#endif
