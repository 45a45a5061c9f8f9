/* SPDX-License-Identifier: BSD-2-Clause */
/* The process's own life: start, fork(), daemon(), exit. */
#ifndef DCO_PRELOAD_LIFECYCLE_H
#define DCO_PRELOAD_LIFECYCLE_H

/* The plane is about to hold descriptors: ends it at exit, keeps it out of children. */
void lifecycle_started(void);

/* openvpn is at work: from now on `opendco status` gets an answer. The vfd lock held; after
 * daemon() it is called again. */
void lifecycle_answer(void);

/* daemon(3) whose child goes on with everything that is open. */
int lifecycle_daemon(int nochdir, int noclose);

#endif
