/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The workers of the process: their number, start and end, and ways to keep them outside of their
 * bursts. They run while there are devices. Call from openvpn's thread unless a function says
 * otherwise, and never from a worker.
 */
#ifndef DCO_PLANE_WORKERS_H
#define DCO_PLANE_WORKERS_H

struct worker;

/* wanted: 0 for as many as cores and task limits allow. Ignored once their number is decided. */
void workers_configure(unsigned wanted);
/* The number of workers. The first call decides it; workers_start() may lower it. */
unsigned workers_decide(void);
/* The number of workers; 0 if it is not decided yet. Any thread. */
unsigned workers_count(void);

/* 0, or -errno if no worker could be started. */
int workers_start(void);
void workers_end(void);

/* The worker of index i modulo their number. The workers run. */
struct worker *workers_get(unsigned i);

/* Takes each worker's lock once: no worker uses an object that was unlinked before. Any thread. */
void workers_pass(void);
/* Holds all workers outside of their bursts, in order of index, until workers_resume(). */
void workers_hold(void);
void workers_resume(void);

#endif
