/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of the ABI that read counters. The caller holds sc->ctl.
 *
 * Each returns 0 or an errno; a reply that failed is in no defined state, but may be destroyed.
 */
#ifndef OVPN_STATS_H
#define OVPN_STATS_H

#include "ovpn_softc.h"

#include <sys/nv.h>

int ovpn_cmd_get_stats(struct ovpn_softc *sc, nvlist_t *reply);
int ovpn_cmd_get_peer_stats(struct ovpn_softc *sc, nvlist_t *reply);

#endif
