/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The start of the process, fork(), daemon() and exit. The child of daemon(3) goes on with
 * everything that is open. Other children of fork() have nothing of ours.
 */
#ifndef DCO_PRELOAD_LIFECYCLE_H
#define DCO_PRELOAD_LIFECYCLE_H

#include <stdbool.h>

/* As offer_ask(). Once a family was offered, the plane may hold descriptors, so it is ended at exit
 * and kept out of children. The preload lock held. */
bool lifecycle_ask(void);

/* From now on `opendco status` gets an answer. Called again after daemon(). The preload lock held.
 */
void lifecycle_answer(void);

#endif
