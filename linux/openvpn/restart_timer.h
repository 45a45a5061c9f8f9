/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A word to an openvpn that does not listen. OpenVPN 2.6 polls its netlink socket only in the run
 * that opened the device; after SIGUSR1 with --persist-tun it never learns again that its peer was
 * removed, and a client would believe for ever in a server that is gone. If the notification has
 * not been read after a moment, the process gets the signal that openvpn would have raised itself.
 *
 * Only for openvpn, and only where it has one peer: a server has no such way to lose one client.
 * The vfd lock held, where nothing else is said.
 */
#ifndef DCO_OPENVPN_RESTART_TIMER_H
#define DCO_OPENVPN_RESTART_TIMER_H

#include <stdbool.h>

#include "linux/plane/plane.h"

#define RESTART_TIMER_SECONDS 2

bool restart_applies(struct plane_dev *dev);

/* SIGUSR1 in RESTART_TIMER_SECONDS, unless it is cancelled before. */
void restart_timer_start(void);

/* The process has read a notification, or ends or begins a session by itself. */
void restart_timer_cancel(void);

/* Whether one is due. Any thread. */
bool restart_timer_expired(void);

#endif
