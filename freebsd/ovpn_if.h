/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface as the stack sees it: cloner, creation and end, and its moves between virtual
 * networks.
 */
#ifndef OVPN_IF_H
#define OVPN_IF_H

/* Hears of interfaces that the stack takes apart, from ovpn_if_watch() on. */
void ovpn_if_watch(void);
void ovpn_if_unwatch(void);
/* Ends every interface that was created in the current virtual network, and the cloner. Nothing is
 * done the second time. Sleeps. */
void ovpn_if_detach_cloner(void);
/* Resets those that were created elsewhere and moved into the current virtual network. They return
 * when it ends. Sleeps. */
void ovpn_if_reset_guests(void);

#endif
