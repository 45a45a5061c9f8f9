/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands that concern peers, and the removal of peers. They translate lists of the ABI to
 * requests of core/control.h and its results to errno values. The core decides what is valid. Only
 * what the core does not see is checked here, in the order of the base system's driver.
 */
#ifndef OVPN_PEER_H
#define OVPN_PEER_H

#include "ovpn_softc.h"

#include <sys/nv.h>

/* sc->ctl held. 0 or an errno of the ABI. nvl: the request, NULL if it was empty. */
int ovpn_cmd_new_peer(struct ovpn_softc *sc, const nvlist_t *nvl);
int ovpn_cmd_del_peer(struct ovpn_softc *sc, const nvlist_t *nvl);
int ovpn_cmd_set_peer(struct ovpn_softc *sc, const nvlist_t *nvl);

/* Reads the member peerid of a request. 0, EINVAL, or ENOENT if it is out of range or the interface
 * never had a peer; 0 does not mean that the peer exists. sc->ctl held. */
int ovpn_peer_id(struct ovpn_softc *sc, const nvlist_t *nvl, uint32_t *id);
/* How many peers the interface has. sc->ctl held. */
uint32_t ovpn_peers_count(struct ovpn_softc *sc);
/* Removes every peer, and every event about it. sc->ctl held. */
void ovpn_peers_flush(struct ovpn_softc *sc);
/* Removes every peer because the socket was closed. Events stay until ovpn_events_flush(). In the
 * network epoch; does not sleep. */
void ovpn_peers_orphaned(struct ovpn_softc *sc);

#endif
