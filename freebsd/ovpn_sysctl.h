/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings under net.link.openvpn, of which each virtual network has its own; see ovpn(4).
 * curvnet must be set. They are read without a lock.
 */
#ifndef OVPN_SYSCTL_H
#define OVPN_SYSCTL_H

#include <sys/param.h>

#include <net/vnet.h>

VNET_DECLARE(int, ovpn_replay_protection);
#define V_ovpn_replay_protection VNET(ovpn_replay_protection)
VNET_DECLARE(int, ovpn_async_crypto);
#define V_ovpn_async_crypto VNET(ovpn_async_crypto)
VNET_DECLARE(int, ovpn_netisr_queue);
#define V_ovpn_netisr_queue VNET(ovpn_netisr_queue)
VNET_DECLARE(int, ovpn_trust_checksums);
#define V_ovpn_trust_checksums VNET(ovpn_trust_checksums)
VNET_DECLARE(int, ovpn_mssfix); /* bytes; 0: off, -1: by the route to the peer */
#define V_ovpn_mssfix VNET(ovpn_mssfix)

#endif
