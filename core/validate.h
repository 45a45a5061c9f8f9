/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Self-checks of the core's data: every rule that the code relies on and whose breach would not be
 * noticed at once. For tests and debug builds; the time is linear in the number of peers.
 */
#ifndef DCO_VALIDATE_H
#define DCO_VALIDATE_H

#include "peers.h"

/* NULL if all is well, else what is wrong, in words. Takes the control lock, and the replay lock of
 * each key. Any thread; other threads may go on working. */
const char *dco_peers_validate(struct dco_peers *p);

#endif
