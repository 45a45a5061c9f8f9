/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether offload is active in this process, and if not, why: one sentence for the log and for
 * `opendco status`. Any thread; never waits for the preload lock.
 */
#ifndef DCO_OPENVPN_OFFLOAD_STATE_H
#define DCO_OPENVPN_OFFLOAD_STATE_H

#include <stdbool.h>
#include <stddef.h>

/* True if the plane moves openvpn's data packets: then
 * *abi names the family that openvpn asked for ("ovpn-dco-v2", "ovpn"). Otherwise *abi is NULL and
 * reason (size bytes, always terminated) says why. */
bool offload_state(char *reason, size_t size, const char **abi);

bool offload_state_is_active(void);

/* openvpn was offered a family, and has not made a device yet. */
void offload_state_offered(void);

/* Offload is active from now on. abi: the family that openvpn asked for; static. */
void offload_state_active(const char *abi);

/* Offload is not active. Writes the reason to openvpn's log unless it is the current one. */
void offload_state_inactive(const char *reason);

#endif
