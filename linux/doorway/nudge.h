/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A word to an openvpn that does not listen. OpenVPN 2.6 polls its netlink socket only in the run
 * that opened the device; after SIGUSR1 with --persist-tun it never learns again that its peer was
 * removed, and a client would believe for ever in a server that is gone. If the notification has
 * not been read after a moment, the process gets the signal that openvpn would have raised itself.
 *
 * Only for openvpn, and only where it has one peer: a server has no such way to lose one client.
 * Door lock held, where nothing else is said.
 */
#ifndef DCO_DOORWAY_NUDGE_H
#define DCO_DOORWAY_NUDGE_H

#include <stdbool.h>

#include "linux/plane/plane.h"

#define NUDGE_SECONDS 2

bool nudge_applies(struct plane_dev *dev);

/* SIGUSR1 in NUDGE_SECONDS, unless it is cancelled before. */
void nudge_soon(void);

/* The process has read a notification, or ends or begins a session by itself. */
void nudge_cancel(void);

/* Whether one is due. Any thread. */
bool nudge_due(void);

#endif
