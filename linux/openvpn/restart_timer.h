/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restarts an openvpn that does not read its notifications. OpenVPN 2.6 polls its netlink socket
 * only in the run that opened the device. After SIGUSR1 with --persist-tun it never learns again
 * that its peer was removed, and a client would keep a session with a server that is gone. If the
 * notification was not read after RESTART_TIMER_SECONDS, the process gets SIGUSR1, which openvpn
 * raises itself when it reads such a notification.
 *
 * Only for openvpn, and only where it has one peer: a server cannot drop a single client this way.
 * Unless a function says otherwise the preload lock is held.
 */
#ifndef DCO_OPENVPN_RESTART_TIMER_H
#define DCO_OPENVPN_RESTART_TIMER_H

#include <stdbool.h>

#include "linux/plane/plane.h"

#define RESTART_TIMER_SECONDS 2

/* Whether the rule above concerns this device. */
bool restart_timer_applies(struct plane_dev *dev);

/* Sends SIGUSR1 in RESTART_TIMER_SECONDS, unless it is cancelled before. */
void restart_timer_start(void);

/* Cancels the signal: the process has read a notification, or ends or begins a session itself. */
void restart_timer_cancel(void);

/* Whether a signal is going to be sent. Any thread. */
bool restart_timer_due(void);

#endif
