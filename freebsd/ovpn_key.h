/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands that concern keys. sc->ctl held; 0 or an errno of the ABI. nvl: the request, NULL if it
 * was empty.
 */
#ifndef OVPN_KEY_H
#define OVPN_KEY_H

#include "ovpn_softc.h"

#include <sys/nv.h>

int ovpn_cmd_new_key(struct ovpn_softc *sc, const nvlist_t *nvl);
int ovpn_cmd_swap_keys(struct ovpn_softc *sc, const nvlist_t *nvl);
int ovpn_cmd_del_key(struct ovpn_softc *sc, const nvlist_t *nvl);

/* Wipes the keys in a request, whatever it asked for; NULL is allowed. Needs no lock. */
void ovpn_keys_wipe(const nvlist_t *nvl);

#endif
