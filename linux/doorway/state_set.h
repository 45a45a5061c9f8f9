/* SPDX-License-Identifier: BSD-2-Clause */
/* The writing side of state.h, for the doorway only. */
#ifndef DCO_DOORWAY_STATE_SET_H
#define DCO_DOORWAY_STATE_SET_H

/* abi: the family by which the process asked; static. */
void state_active(const char *abi);

/* Also writes the line to openvpn's log, unless it was the last word already. */
void state_inactive(const char *reason);

#endif
