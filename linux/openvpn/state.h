/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether offload is active in this process, and if not, why: one sentence for the log and for
 * `opendco status`. Any thread; never waits for the preload layer.
 */
#ifndef DCO_OPENVPN_STATE_H
#define DCO_OPENVPN_STATE_H

#include <stdbool.h>
#include <stddef.h>

/* True if openvpn's data packets are, or as soon as it has a device will be, moved by the plane:
 * then *abi names the ABI it was asked through ("ovpn-dco-v2", "ovpn"). Otherwise *abi is NULL and
 * reason (size bytes, always terminated) says why. */
bool offload_state(char *reason, size_t size, const char **abi);

#endif
