/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads of the plane, workers and housekeeping, which run while there is a device. openvpn's
 * thread.
 */
#ifndef DCO_PLANE_THREADS_H
#define DCO_PLANE_THREADS_H

/* 0 or -errno; nothing happens if they run. */
int threads_start(void);
/* Joins all of them and runs what was deferred. Nothing happens if they do not run. */
void threads_stop(void);

#endif
