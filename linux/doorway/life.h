/* SPDX-License-Identifier: BSD-2-Clause */
/* The process's own life: start, fork(), daemon(), exit. */
#ifndef DCO_DOORWAY_LIFE_H
#define DCO_DOORWAY_LIFE_H

/* The plane is about to hold descriptors: ends it at exit, keeps it out of children. */
void life_started(void);

/* openvpn is at work: from now on `opendco status` gets an answer. Door lock held; after daemon()
 * it is called again. */
void life_answer(void);

/* daemon(3) whose child goes on with everything that is open. */
int life_daemon(int nochdir, int noclose);

#endif
