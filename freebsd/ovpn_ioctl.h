/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of openvpn and ifconfig: if_ioctl. Commands of the ABI (if_ovpn.h) need the
 * privilege PRIV_NET_OVPN and run one at a time per interface, under sc->ctl.
 */
#ifndef OVPN_IOCTL_H
#define OVPN_IOCTL_H

#include "ovpn_softc.h"

/* 0 or an errno. May sleep. */
int ovpn_ioctl(struct ifnet *ifp, u_long cmd, caddr_t data);

#endif
