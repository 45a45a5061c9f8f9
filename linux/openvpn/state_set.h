/* SPDX-License-Identifier: BSD-2-Clause */
/* The writing side of state.h, for the preload layer only. */
#ifndef DCO_OPENVPN_STATE_SET_H
#define DCO_OPENVPN_STATE_SET_H

/* abi: the family by which the process asked; static. */
void offload_state_active(const char *abi);

/* Also writes the line to openvpn's log, unless it was the last word already. */
void offload_state_inactive(const char *reason);

#endif
