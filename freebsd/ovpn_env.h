/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core borrows (core/env.h): zeroed memory without sleeping, and deferred execution after
 * a grace period of the network epoch.
 */
#ifndef OVPN_ENV_H
#define OVPN_ENV_H

#include "ovpn_softc.h"

void ovpn_env_init(struct ovpn_softc *sc);
void ovpn_env_fini(struct ovpn_softc *sc);
/* Nothing deferred is left and every peer is gone, those of unfinished crypto jobs included. */
bool ovpn_env_is_idle(struct ovpn_softc *sc);
/* Sleeps until ovpn_env_is_idle(), or for about so many ticks. */
void ovpn_env_drain(struct ovpn_softc *sc, int ticks);

#endif
