/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of the process: start, fork(), daemon(), exit. The child of daemon(3) goes on with
 * everything that is open; other children of fork() have nothing of ours.
 */
#ifndef DCO_PRELOAD_LIFECYCLE_H
#define DCO_PRELOAD_LIFECYCLE_H

#include <stdbool.h>

/* offer_ask(). Once a family was offered the plane may hold descriptors: it is ended at exit and
 * kept out of children. The preload lock held. */
bool lifecycle_ask(const char *name);

/* openvpn is at work: from now on `opendco status` gets an answer. The preload lock held; after
 * daemon() it is called again. */
void lifecycle_answer(void);

#endif
