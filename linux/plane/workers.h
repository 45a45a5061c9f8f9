/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The workers of the process: how many there are, their start and end, and ways to keep them
 * outside of their bursts. They run while there are devices. openvpn's thread, unless a function
 * says otherwise; never a worker.
 */
#ifndef DCO_PLANE_WORKERS_H
#define DCO_PLANE_WORKERS_H

struct worker;

/* wanted: 0 for as many as cores and task limits allow. Ignored once their number is decided. */
void workers_configure(unsigned wanted);
/* Their number; the first call decides it. workers_start() may lower it once more. */
unsigned workers_decide(void);
/* The same, 0 if it is not decided yet. Any thread. */
unsigned workers_count(void);

/* -errno if not even one could be started. */
int workers_start(void);
void workers_end(void);

/* Worker number i modulo their number. They run. */
struct worker *workers_get(unsigned i);

/* Takes each worker's lock once: whatever was unlinked before is out of their sight. Any thread. */
void workers_pass(void);
/* Holds all of them outside of their bursts, in order of index, until workers_resume(). */
void workers_hold(void);
void workers_resume(void);

#endif
